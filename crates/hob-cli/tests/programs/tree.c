/* Makes, renames, reads and removes files and folders, and says how each went, in words that every system shares. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(const char *what, int result) {
    static const struct {
        int number;
        const char *text;
    } reasons[] = {{ENOENT, "not there"}, {EEXIST, "there"},        {ENOTEMPTY, "not empty"}, {ENOTDIR, "no folder"},
                   {EISDIR, "a folder"},  {EBADF, "no descriptor"}, {EINVAL, "invalid"},      {ELOOP, "a loop"}};
    const char *why = result >= 0 ? "done" : "otherwise";
    for (size_t i = 0; result < 0 && i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].number == errno) why = reasons[i].text;
    }
    printf("%s: %s\n", what, why);
}

static int make(const char *name, const char *text) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

static void show(const char *name) {
    char text[200];
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0) {
        say(name, -1);
        if (fd >= 0) close(fd);
        return;
    }
    text[n] = 0;
    printf("%s holds %zd: %s\n", name, n, text);
    close(fd);
}

int main(void) {
    char buffer[16];
    say("mkdir", mkdir("d", 0755));
    say("mkdir again", mkdir("d", 0755));
    say("mkdir below nothing", mkdir("x/y", 0755));
    say("file", make("d/f", "hello"));
    show("d/f");
    say("file below a file", make("d/f/g", "x"));
    say("rmdir full", rmdir("d"));
    say("rmdir file", rmdir("d/f"));
    say("rename", rename("d/f", "d/g"));
    say("rename nothing", rename("d/f", "d/h"));
    show("d/g");
    show("d/f");
    say("symlink", symlink("g", "d/l"));
    show("d/l");
    say("readlink", (int)readlink("d/l", buffer, sizeof buffer));
    say("readlink of a file", (int)readlink("d/g", buffer, sizeof buffer));
    say("link", link("d/g", "d/k"));
    say("unlink", unlink("d/g"));
    show("d/l");
    show("d/k");
    say("loop", symlink("m", "d/m"));
    show("d/m");
    int fd = open("d/k", O_RDWR | O_APPEND);
    say("append", write(fd, " world", 6) == 6 ? 0 : -1);
    say("seek", (int)lseek(fd, 1, SEEK_SET));
    say("read", (int)read(fd, buffer, 4));
    printf("%.4s\n", buffer);
    say("seek before the start", (int)lseek(fd, -1, SEEK_SET));
    say("cut", ftruncate(fd, 3));
    say("pread", (int)pread(fd, buffer, sizeof buffer, 1));
    close(fd);
    say("write closed", (int)write(fd, "x", 1));
    show("d/k");
    say("exclusive", open("d/k", O_WRONLY | O_CREAT | O_EXCL, 0644));
    say("open nothing", open("none", O_RDONLY));
    say("folder as a file", open("d", O_WRONLY));
    say("file as a folder", open("d/k", O_RDONLY | O_DIRECTORY));
    say("unlink nothing", unlink("none"));
    struct stat data;
    say("stat", stat("d/k", &data));
    printf("size %lld, links %d\n", (long long)data.st_size, (int)data.st_nlink);
    say("unlink", unlink("d/k"));
    say("unlink", unlink("d/l"));
    say("unlink", unlink("d/m"));
    say("rmdir", rmdir("d"));
    return 0;
}
