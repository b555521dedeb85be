module hob.example/actor

go 1.24
