/* Lets one system call about a directory fail, and notes the order of all: LD_PRELOAD=refuse.so.
   REFUSE_IN: the directory; REFUSE_NUMBER: which of the calls fails (0: none); REFUSE_ERRNO: with
   what; REFUSE_LOG: the file to which the name of each call is added. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int count;

static int refused(const char *name, const char *path) {
    const char *place = getenv("REFUSE_IN"), *log = getenv("REFUSE_LOG");
    if (!place || !path || strncmp(path, place, strlen(place))) return 0;
    count++;
    if (log) {
        char line[64];
        int size = snprintf(line, sizeof line, "%s\n", name);
        int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        syscall(SYS_write, file, line, size);
        syscall(SYS_close, file);
    }
    if (count != atoi(getenv("REFUSE_NUMBER"))) return 0;
    errno = atoi(getenv("REFUSE_ERRNO"));
    return 1;
}

static int refused_file(const char *name, int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    struct stat status;
    char directory[80];
    snprintf(directory, sizeof directory, "%s%s", name,
             !fstat(file, &status) && S_ISDIR(status.st_mode) ? " directory" : "");
    return refused(directory, path);
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        if ((flags & O_CREAT) && refused("create", path)) return -1; \
        return REAL(name)(path, flags, mode); \
    }
OPENS(open)
OPENS(open64)

ssize_t write(int file, const void *content, size_t size) {
    return refused_file("write", file) ? -1 : REAL(write)(file, content, size);
}
int fsync(int file) { return refused_file("fsync", file) ? -1 : REAL(fsync)(file); }
int fchmod(int file, mode_t mode) {
    return refused_file("fchmod", file) ? -1 : REAL(fchmod)(file, mode);
}
int rename(const char *from, const char *to) {
    return refused("rename", to) ? -1 : REAL(rename)(from, to);
}
int mkdir(const char *path, mode_t mode) {
    return refused("mkdir", path) ? -1 : REAL(mkdir)(path, mode);
}
int posix_fallocate(int file, off_t start, off_t size) {
    return refused_file("posix_fallocate", file) ? errno : REAL(posix_fallocate)(file, start, size);
}
int ftruncate(int file, off_t size) {
    return refused_file("ftruncate", file) ? -1 : REAL(ftruncate)(file, size);
}
