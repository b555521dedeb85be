/* Decides whether an agent may do what it is about to do: denies shell commands that remove or overwrite whole trees. */
#include <stdio.h>
#include <string.h>

static char request[1 << 20];

static const char *const denied[] = {"rm -rf", "rm -fr", "mkfs", "dd if=", "> /dev/", ":(){", "chmod -R 777"};

int main(void) {
    size_t length = fread(request, 1, sizeof request - 1, stdin);
    request[length] = 0;
    if (length == 0 || !strstr(request, "\"action\"")) {
        puts("{\"decision\":\"deny\",\"reason\":\"the request names no action\"}");
        return 0;
    }
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++) {
        if (strstr(request, denied[i])) {
            printf("{\"decision\":\"deny\",\"reason\":\"`%s` can destroy more than was meant\"}\n", denied[i]);
            return 0;
        }
    }
    puts("{\"decision\":\"allow\"}");
    return 0;
}
