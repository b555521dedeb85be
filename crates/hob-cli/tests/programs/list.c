/* Lists a folder and what is below it, in order: kind, size, name, where links lead. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed;

static int order(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path, int depth) {
    DIR *dir = opendir(path);
    if (!dir) {
        const char *why = errno == ENOENT ? "not there" : errno == ENOTDIR ? "no folder" : "refused";
        printf("%s cannot be opened: %s\n", path, why);
        failed = 1;
        return;
    }
    char **names = NULL;
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char **more = realloc(names, (count + 1) * sizeof *names);
        if (!more || !(more[count] = malloc(strlen(entry->d_name) + 1))) exit(2);
        names = more;
        strcpy(names[count++], entry->d_name);
    }
    closedir(dir);
    if (count) qsort(names, count, sizeof *names, order);
    for (size_t i = 0; i < count; i++) {
        char below[1024], target[256];
        struct stat data;
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        if (lstat(below, &data)) {
            printf("%s: no description\n", names[i]);
            failed = 1;
            continue;
        }
        printf("%*s", 2 * depth, "");
        if (S_ISLNK(data.st_mode)) {
            ssize_t n = readlink(below, target, sizeof target - 1);
            target[n < 0 ? 0 : n] = 0;
            printf("link %s -> %s\n", names[i], target);
        } else if (S_ISDIR(data.st_mode)) {
            printf("folder %s\n", names[i]);
            list(below, depth + 1);
        } else {
            printf("file %lld %s\n", (long long)data.st_size, names[i]);
        }
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv) {
    if (argc < 2) list(".", 0);
    for (int i = 1; i < argc; i++) list(argv[i], 0);
    return failed;
}
