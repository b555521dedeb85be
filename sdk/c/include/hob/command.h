/* The contract hob-command/1.0 for C: --target=wasm32-wasi, C11 or C++11.
 *
 * Made by `cargo xtask abi` from crates/hob-abi/command.toml; change that.
 *
 * Put HOB_COMMAND("your tool chain"); into one source file of a program: the host then holds the program to this version of
 * the contract, and does not have to guess.
 */
#ifndef HOB_COMMAND_H
#define HOB_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define HOB_ASSERT(what) static_assert(what, #what)
#else
#define HOB_ASSERT(what) _Static_assert(what, #what)
#endif

#define HOB_COMMAND_MAJOR 1
#define HOB_COMMAND_MINOR 0
#define HOB_COMMAND_FEATURES 0

#define HOB_TEXT_(x) #x
#define HOB_TEXT(x) HOB_TEXT_(x)

/* The custom section hob-command: major and minor version, features, the name of the tool chain. */
#define HOB_COMMAND(toolchain)                                                                     \
    __asm__(".section \".custom_section.hob-command\",\"\",@\n"                                   \
            ".int16 " HOB_TEXT(HOB_COMMAND_MAJOR) "\n"                                             \
            ".int16 " HOB_TEXT(HOB_COMMAND_MINOR) "\n"                                             \
            ".int32 " HOB_TEXT(HOB_COMMAND_FEATURES) "\n"                                          \
            ".ascii \"" toolchain "\"\n"                                                           \
            ".text\n")

#define HOB_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

typedef uint32_t hob_errno_t;
typedef uint32_t hob_fd_t;
typedef int32_t hob_pid_t;

/* Errors: what a function that returns hob_errno_t answers. */

#define HOB_ESUCCESS 0
#define HOB_E2BIG 1
#define HOB_EACCES 2
#define HOB_EADDRINUSE 3
#define HOB_EADDRNOTAVAIL 4
#define HOB_EAFNOSUPPORT 5
#define HOB_EAGAIN 6
#define HOB_EALREADY 7
#define HOB_EBADF 8
#define HOB_EBADMSG 9
#define HOB_EBUSY 10
#define HOB_ECANCELED 11
#define HOB_ECHILD 12
#define HOB_ECONNABORTED 13
#define HOB_ECONNREFUSED 14
#define HOB_ECONNRESET 15
#define HOB_EDEADLK 16
#define HOB_EDESTADDRREQ 17
#define HOB_EDOM 18
#define HOB_EDQUOT 19
#define HOB_EEXIST 20
#define HOB_EFAULT 21
#define HOB_EFBIG 22
#define HOB_EHOSTUNREACH 23
#define HOB_EIDRM 24
#define HOB_EILSEQ 25
#define HOB_EINPROGRESS 26
#define HOB_EINTR 27
#define HOB_EINVAL 28
#define HOB_EIO 29
#define HOB_EISCONN 30
#define HOB_EISDIR 31
#define HOB_ELOOP 32
#define HOB_EMFILE 33
#define HOB_EMLINK 34
#define HOB_EMSGSIZE 35
#define HOB_EMULTIHOP 36
#define HOB_ENAMETOOLONG 37
#define HOB_ENETDOWN 38
#define HOB_ENETRESET 39
#define HOB_ENETUNREACH 40
#define HOB_ENFILE 41
#define HOB_ENOBUFS 42
#define HOB_ENODEV 43
#define HOB_ENOENT 44
#define HOB_ENOEXEC 45
#define HOB_ENOLCK 46
#define HOB_ENOLINK 47
#define HOB_ENOMEM 48
#define HOB_ENOMSG 49
#define HOB_ENOPROTOOPT 50
#define HOB_ENOSPC 51
#define HOB_ENOSYS 52
#define HOB_ENOTCONN 53
#define HOB_ENOTDIR 54
#define HOB_ENOTEMPTY 55
#define HOB_ENOTRECOVERABLE 56
#define HOB_ENOTSOCK 57
#define HOB_ENOTSUP 58
#define HOB_ENOTTY 59
#define HOB_ENXIO 60
#define HOB_EOVERFLOW 61
#define HOB_EOWNERDEAD 62
#define HOB_EPERM 63
#define HOB_EPIPE 64
#define HOB_EPROTO 65
#define HOB_EPROTONOSUPPORT 66
#define HOB_EPROTOTYPE 67
#define HOB_ERANGE 68
#define HOB_EROFS 69
#define HOB_ESPIPE 70
#define HOB_ESRCH 71
#define HOB_ESTALE 72
#define HOB_ETIMEDOUT 73
#define HOB_ETXTBSY 74
#define HOB_EXDEV 75
#define HOB_ENOTCAPABLE 76
#define HOB_ENODATA 78

/* Signals. */

#define HOB_SIGHUP 1
#define HOB_SIGINT 2
#define HOB_SIGQUIT 3
#define HOB_SIGILL 4
#define HOB_SIGTRAP 5
#define HOB_SIGABRT 6
#define HOB_SIGBUS 7
#define HOB_SIGFPE 8
#define HOB_SIGKILL 9
#define HOB_SIGUSR1 10
#define HOB_SIGSEGV 11
#define HOB_SIGUSR2 12
#define HOB_SIGPIPE 13
#define HOB_SIGALRM 14
#define HOB_SIGTERM 15
#define HOB_SIGSTKFLT 16
#define HOB_SIGCHLD 17
#define HOB_SIGCONT 18
#define HOB_SIGSTOP 19
#define HOB_SIGTSTP 20
#define HOB_SIGTTIN 21
#define HOB_SIGTTOU 22
#define HOB_SIGURG 23
#define HOB_SIGXCPU 24
#define HOB_SIGXFSZ 25
#define HOB_SIGVTALRM 26
#define HOB_SIGPROF 27
#define HOB_SIGWINCH 28
#define HOB_SIGIO 29
#define HOB_SIGPWR 30
#define HOB_SIGSYS 31

/* Numbers that stand for something else. */

#define HOB_CWD_FD 0xffffffffu /* the current directory, where a directory is asked for */
#define HOB_NULL_FD 0xffffffffu /* the null device, as a stream of a child */
#define HOB_PREOPEN_TAG 0x40000000u /* granted directories stand at this plus their number, from 3 on */
#define HOB_PREOPEN_FIRST 0x40000003u /* the first granted directory */
#define HOB_KEEP_ID 0xffffffffu /* leaves a user or group as it is */

/* Flags of descriptors. */

#define HOB_FDFLAG_APPEND 1
#define HOB_FDFLAG_DSYNC 2
#define HOB_FDFLAG_NONBLOCK 4
#define HOB_FDFLAG_RSYNC 8
#define HOB_FDFLAG_SYNC 16
#define HOB_FDFLAG_DIRECT 0x20u /* beyond preview 1 */
#define HOB_FD_CLOEXEC 1 /* of fd_getfd and fd_setfd */

/* Types of files. */

#define HOB_FILETYPE_UNKNOWN 0
#define HOB_FILETYPE_BLOCK_DEVICE 1
#define HOB_FILETYPE_CHARACTER_DEVICE 2
#define HOB_FILETYPE_DIRECTORY 3
#define HOB_FILETYPE_REGULAR_FILE 4
#define HOB_FILETYPE_SOCKET_DGRAM 5
#define HOB_FILETYPE_SOCKET_STREAM 6
#define HOB_FILETYPE_SYMBOLIC_LINK 7

/* File actions of a child. */

#define HOB_SPAWN_CLOSE 1
#define HOB_SPAWN_DUP2 2
#define HOB_SPAWN_OPEN 3
#define HOB_SPAWN_CHDIR 4
#define HOB_SPAWN_FCHDIR 5
#define HOB_SPAWN_CLOSEFROM 6

/* Attributes of a child. */

#define HOB_SPAWN_RESETIDS 1
#define HOB_SPAWN_SETPGROUP 2
#define HOB_SPAWN_SETSIGDEF 4
#define HOB_SPAWN_SETSIGMASK 8
#define HOB_SPAWN_SETSCHEDPARAM 16
#define HOB_SPAWN_SETSCHEDULER 0x20u
#define HOB_SPAWN_USEVFORK 0x40u
#define HOB_SPAWN_SETSID 0x80u

/* Flags of `open`, in file actions and open_tmpfile. */

#define HOB_O_APPEND 1
#define HOB_O_NONBLOCK 4
#define HOB_O_CREAT 0x1000u
#define HOB_O_DIRECTORY 0x2000u
#define HOB_O_EXCL 0x4000u
#define HOB_O_TRUNC 0x8000u
#define HOB_O_RDONLY 0x4000000u
#define HOB_O_WRONLY 0x10000000u
#define HOB_O_DIRECT 0x20000000u

/* Options of waiting for a child. */

#define HOB_WNOHANG 1
#define HOB_WUNTRACED 2
#define HOB_WCONTINUED 8

/* How a signal mask changes, and what a signal does. */

#define HOB_SIG_BLOCK 0
#define HOB_SIG_UNBLOCK 1
#define HOB_SIG_SETMASK 2
#define HOB_SIG_QUERY 3
#define HOB_SIG_DEFAULT 0
#define HOB_SIG_IGNORE 1
#define HOB_SIG_HANDLE 2
#define HOB_SA_RESTART 0x10000000u
#define HOB_SA_NODEFER 0x40000000u
#define HOB_SA_RESETHAND 0x80000000u

/* Locks. */

#define HOB_LOCK_SH 1
#define HOB_LOCK_EX 2
#define HOB_LOCK_NB 4
#define HOB_LOCK_UN 8
#define HOB_F_GETLK 12
#define HOB_F_SETLK 13
#define HOB_F_SETLKW 14
#define HOB_F_RDLCK 0
#define HOB_F_WRLCK 1
#define HOB_F_UNLCK 2

/* Sockets. */

#define HOB_AF_INET 1
#define HOB_AF_INET6 2
#define HOB_AF_UNIX 3
#define HOB_SOCK_DGRAM 5
#define HOB_SOCK_STREAM 6
#define HOB_SOCK_CLOEXEC 0x2000u
#define HOB_SOCK_NONBLOCK 0x4000u
#define HOB_SHUT_RD 1
#define HOB_SHUT_WR 2
#define HOB_MSG_PEEK 2
#define HOB_MSG_TRUNC 0x20u
#define HOB_MSG_DONTWAIT 0x40u
#define HOB_MSG_WAITALL 0x100u
#define HOB_MSG_NOSIGNAL 0x4000u
#define HOB_MSG_CMSG_CLOEXEC 0x40000000u

/* Options of sockets. */

#define HOB_SOL_SOCKET 1
#define HOB_SOL_SOCKET_WASI 0x7fffffffu /* another name of the same */
#define HOB_SO_REUSEADDR 2
#define HOB_SO_ERROR 4
#define HOB_SO_KEEPALIVE 9
#define HOB_SO_LINGER 13
#define HOB_SO_RCVTIMEO 20
#define HOB_SO_RCVTIMEO_64 0x42u
#define HOB_TCP_NODELAY 1 /* of level 6 */
#define HOB_IP_TOS 1 /* of level 0 */
#define HOB_IPV6_TCLASS 0x43u /* of level 41 */

/* What a descriptor is ready for. */

#define HOB_POLLIN 1
#define HOB_POLLPRI 2
#define HOB_POLLOUT 4
#define HOB_POLLERR 8
#define HOB_POLLHUP 16
#define HOB_POLLNVAL 0x20u
#define HOB_POLLRDNORM 0x40u
#define HOB_POLLWRNORM 0x100u

/* Renaming, attributes, extents. */

#define HOB_RENAME_NOREPLACE 1
#define HOB_RENAME_EXCHANGE 2
#define HOB_XATTR_CREATE 1
#define HOB_XATTR_REPLACE 2
#define HOB_EXTENT_UNWRITTEN 0x800u

/* Settings of a terminal; what is not here stays as it is. */

#define HOB_TTY_ICRNL 1 /* a typed carriage return is a newline */
#define HOB_TTY_OPOST 2 /* output is processed */
#define HOB_TTY_ONLCR 4 /* a newline is a carriage return and a newline */
#define HOB_TTY_ICANON 8 /* lines are edited, and read whole */
#define HOB_TTY_ECHO 16 /* what is typed is shown */
#define HOB_TTY_ISIG 0x20u /* some characters are signals */
#define HOB_TTY_ECHOE 0x40u
#define HOB_TTY_ECHOK 0x80u
#define HOB_TTY_ECHONL 0x100u
#define HOB_TTY_IEXTEN 0x200u
#define HOB_TTY_IXON 0x400u
#define HOB_TTY_INLCR 0x800u
#define HOB_TTY_IGNCR 0x1000u
#define HOB_TTY_ISTRIP 0x2000u
#define HOB_TTY_TOSTOP 0x4000u
#define HOB_TTY_IXANY 0x8000u
#define HOB_TTY_NOFLSH 0x10000u
#define HOB_TTY_IUTF8 0x20000u
#define HOB_TTY_ECHOCTL 0x40000u
#define HOB_TTY_ECHOKE 0x80000u
#define HOB_TTY_OCRNL 0x100000u
#define HOB_TTY_ONOCR 0x200000u
#define HOB_TTY_ONLRET 0x400000u

/* Places of the control characters of a terminal; 0 switches one off. */

#define HOB_TTY_VINTR 0
#define HOB_TTY_VQUIT 1
#define HOB_TTY_VSUSP 2
#define HOB_TTY_VEOF 3
#define HOB_TTY_VERASE 4
#define HOB_TTY_VKILL 5
#define HOB_TTY_VWERASE 6

/* Lines about the system. */

#define HOB_IDENTITY_NODENAME 0
#define HOB_IDENTITY_SYSNAME 1
#define HOB_IDENTITY_RELEASE 2
#define HOB_IDENTITY_VERSION 3
#define HOB_IDENTITY_MACHINE 4
#define HOB_IDENTITY_DOMAINNAME 5

/* Limits of a process. */

#define HOB_RLIMIT_CPU 0
#define HOB_RLIMIT_FSIZE 1
#define HOB_RLIMIT_DATA 2
#define HOB_RLIMIT_STACK 3
#define HOB_RLIMIT_CORE 4
#define HOB_RLIMIT_RSS 5
#define HOB_RLIMIT_NPROC 6
#define HOB_RLIMIT_NOFILE 7
#define HOB_RLIMIT_MEMLOCK 8
#define HOB_RLIMIT_AS 9

/* Records of a name. */

#define HOB_DNS_PTR 12
#define HOB_DNS_SSHFP 0x2cu
#define HOB_DNS_NXDOMAIN 2 /* in flags */
#define HOB_DNS_NODATA 4 /* in flags */

/* Layouts. */

/* One piece of memory to read into or write from. */
struct hob_iovec {
    void *buf;
    uint32_t len;
};
HOB_ASSERT(sizeof(struct hob_iovec) == 8);
HOB_ASSERT(offsetof(struct hob_iovec, buf) == 0);
HOB_ASSERT(offsetof(struct hob_iovec, len) == 4);
HOB_ASSERT(__alignof__(struct hob_iovec) == 4);

/* A granted directory; tag is 0. */
struct hob_prestat {
    uint8_t tag;
    uint8_t reserved_1[3];
    uint32_t name_len;
};
HOB_ASSERT(sizeof(struct hob_prestat) == 8);
HOB_ASSERT(offsetof(struct hob_prestat, tag) == 0);
HOB_ASSERT(offsetof(struct hob_prestat, name_len) == 4);
HOB_ASSERT(__alignof__(struct hob_prestat) == 4);

/* The head of a directory entry; the name follows. */
struct hob_dirent {
    uint64_t next;
    uint64_t ino;
    uint32_t name_len;
    uint8_t type;
    uint8_t reserved_21[3];
};
HOB_ASSERT(sizeof(struct hob_dirent) == 24);
HOB_ASSERT(offsetof(struct hob_dirent, next) == 0);
HOB_ASSERT(offsetof(struct hob_dirent, ino) == 8);
HOB_ASSERT(offsetof(struct hob_dirent, name_len) == 16);
HOB_ASSERT(offsetof(struct hob_dirent, type) == 20);
HOB_ASSERT(__alignof__(struct hob_dirent) == 8);

/* A descriptor. */
struct hob_fdstat {
    uint8_t type;
    uint8_t reserved_1[1];
    uint16_t flags;
    uint8_t reserved_4[4];
    uint64_t rights_base;
    uint64_t rights_inheriting;
};
HOB_ASSERT(sizeof(struct hob_fdstat) == 24);
HOB_ASSERT(offsetof(struct hob_fdstat, type) == 0);
HOB_ASSERT(offsetof(struct hob_fdstat, flags) == 2);
HOB_ASSERT(offsetof(struct hob_fdstat, rights_base) == 8);
HOB_ASSERT(offsetof(struct hob_fdstat, rights_inheriting) == 16);
HOB_ASSERT(__alignof__(struct hob_fdstat) == 8);

/* A file; times are nanoseconds since 1970. */
struct hob_filestat {
    uint64_t dev;
    uint64_t ino;
    uint8_t type;
    uint8_t reserved_17[7];
    uint64_t nlink;
    uint64_t size;
    uint64_t atim;
    uint64_t mtim;
    uint64_t ctim;
};
HOB_ASSERT(sizeof(struct hob_filestat) == 64);
HOB_ASSERT(offsetof(struct hob_filestat, dev) == 0);
HOB_ASSERT(offsetof(struct hob_filestat, ino) == 8);
HOB_ASSERT(offsetof(struct hob_filestat, type) == 16);
HOB_ASSERT(offsetof(struct hob_filestat, nlink) == 24);
HOB_ASSERT(offsetof(struct hob_filestat, size) == 32);
HOB_ASSERT(offsetof(struct hob_filestat, atim) == 40);
HOB_ASSERT(offsetof(struct hob_filestat, mtim) == 48);
HOB_ASSERT(offsetof(struct hob_filestat, ctim) == 56);
HOB_ASSERT(__alignof__(struct hob_filestat) == 8);

/* Wait for a time; tag is 0. */
struct hob_subscription_clock {
    uint64_t userdata;
    uint8_t tag;
    uint8_t reserved_9[7];
    uint32_t id;
    uint8_t reserved_20[4];
    uint64_t timeout;
    uint64_t precision;
    uint16_t flags;
    uint8_t reserved_42[6];
};
HOB_ASSERT(sizeof(struct hob_subscription_clock) == 48);
HOB_ASSERT(offsetof(struct hob_subscription_clock, userdata) == 0);
HOB_ASSERT(offsetof(struct hob_subscription_clock, tag) == 8);
HOB_ASSERT(offsetof(struct hob_subscription_clock, id) == 16);
HOB_ASSERT(offsetof(struct hob_subscription_clock, timeout) == 24);
HOB_ASSERT(offsetof(struct hob_subscription_clock, precision) == 32);
HOB_ASSERT(offsetof(struct hob_subscription_clock, flags) == 40);
HOB_ASSERT(__alignof__(struct hob_subscription_clock) == 8);

/* Wait for a descriptor; tag is 1 to read, 2 to write. */
struct hob_subscription_fd {
    uint64_t userdata;
    uint8_t tag;
    uint8_t reserved_9[7];
    uint32_t fd;
    uint8_t reserved_20[28];
};
HOB_ASSERT(sizeof(struct hob_subscription_fd) == 48);
HOB_ASSERT(offsetof(struct hob_subscription_fd, userdata) == 0);
HOB_ASSERT(offsetof(struct hob_subscription_fd, tag) == 8);
HOB_ASSERT(offsetof(struct hob_subscription_fd, fd) == 16);
HOB_ASSERT(__alignof__(struct hob_subscription_fd) == 8);

/* One thing to wait for. */
union hob_subscription {
    struct hob_subscription_clock subscription_clock;
    struct hob_subscription_fd subscription_fd;
};
HOB_ASSERT(sizeof(union hob_subscription) == 48);

/* One thing that happened. */
struct hob_event {
    uint64_t userdata;
    uint16_t error;
    uint8_t type;
    uint8_t reserved_11[5];
    uint64_t nbytes;
    uint16_t flags;
    uint8_t reserved_26[6];
};
HOB_ASSERT(sizeof(struct hob_event) == 32);
HOB_ASSERT(offsetof(struct hob_event, userdata) == 0);
HOB_ASSERT(offsetof(struct hob_event, error) == 8);
HOB_ASSERT(offsetof(struct hob_event, type) == 10);
HOB_ASSERT(offsetof(struct hob_event, nbytes) == 16);
HOB_ASSERT(offsetof(struct hob_event, flags) == 24);
HOB_ASSERT(__alignof__(struct hob_event) == 8);

/* A descriptor to wait for, and what it is ready for. */
struct hob_pollfd {
    int32_t fd;
    uint16_t events;
    uint16_t revents;
};
HOB_ASSERT(sizeof(struct hob_pollfd) == 8);
HOB_ASSERT(offsetof(struct hob_pollfd, fd) == 0);
HOB_ASSERT(offsetof(struct hob_pollfd, events) == 4);
HOB_ASSERT(offsetof(struct hob_pollfd, revents) == 6);
HOB_ASSERT(__alignof__(struct hob_pollfd) == 4);

/* A span of time. */
struct hob_timeval {
    int64_t sec;
    int64_t usec;
};
HOB_ASSERT(sizeof(struct hob_timeval) == 16);
HOB_ASSERT(offsetof(struct hob_timeval, sec) == 0);
HOB_ASSERT(offsetof(struct hob_timeval, usec) == 8);
HOB_ASSERT(__alignof__(struct hob_timeval) == 8);

/* How long closing a socket waits. */
struct hob_linger {
    int32_t onoff;
    int32_t linger;
};
HOB_ASSERT(sizeof(struct hob_linger) == 8);
HOB_ASSERT(offsetof(struct hob_linger, onoff) == 0);
HOB_ASSERT(offsetof(struct hob_linger, linger) == 4);
HOB_ASSERT(__alignof__(struct hob_linger) == 4);

/* The head of a file action; the path follows. */
struct hob_spawn_action {
    uint32_t command;
    int32_t fd;
    int32_t source_fd;
    int32_t oflag;
    uint32_t mode;
    uint32_t path_len;
};
HOB_ASSERT(sizeof(struct hob_spawn_action) == 24);
HOB_ASSERT(offsetof(struct hob_spawn_action, command) == 0);
HOB_ASSERT(offsetof(struct hob_spawn_action, fd) == 4);
HOB_ASSERT(offsetof(struct hob_spawn_action, source_fd) == 8);
HOB_ASSERT(offsetof(struct hob_spawn_action, oflag) == 12);
HOB_ASSERT(offsetof(struct hob_spawn_action, mode) == 16);
HOB_ASSERT(offsetof(struct hob_spawn_action, path_len) == 20);
HOB_ASSERT(__alignof__(struct hob_spawn_action) == 4);

/* Functions of host_fs. */

/* Sets the permission bits of a file.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir notsup perm rofs notcapable. */
HOB_IMPORT("host_fs", "chmod")
hob_errno_t hob_fs_chmod(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t mode);

/* Sets user and group of a file; −1 leaves one as it is.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir notsup perm rofs notcapable. */
HOB_IMPORT("host_fs", "chown")
hob_errno_t hob_fs_chown(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t uid, uint32_t gid, uint32_t follow);

/* Sets the permission bits of an open file.
 * Errors: acces badf inval io notsup perm rofs notcapable. */
HOB_IMPORT("host_fs", "fchmod")
hob_errno_t hob_fs_fchmod(hob_fd_t fd, uint32_t mode);

/* Sets user and group of an open file.
 * Errors: acces badf inval io notsup perm rofs notcapable. */
HOB_IMPORT("host_fs", "fchown")
hob_errno_t hob_fs_fchown(hob_fd_t fd, uint32_t uid, uint32_t gid);

/* The blocks of 512 bytes an open file fills; −1 when unknown. */
HOB_IMPORT("host_fs", "fd_blocks")
int64_t hob_fs_fd_blocks(hob_fd_t fd);

/* The same as `fchown`. Kept for old programs.
 * Errors: acces badf inval io notsup perm rofs notcapable. */
HOB_IMPORT("host_fs", "fd_chown")
hob_errno_t hob_fs_fd_chown(hob_fd_t fd, uint32_t uid, uint32_t gid);

/* Removes a range and moves the rest down.
 * Errors: badf dquot fbig inval io nospc notsup perm rofs spipe notcapable. */
HOB_IMPORT("host_fs", "fd_collapse_range")
hob_errno_t hob_fs_fd_collapse_range(hob_fd_t fd, uint64_t offset, uint64_t len);

/* One stretch of stored bytes of a file; `nodata` past the last.
 * Errors: badf fault inval io notsup notcapable nodata. */
HOB_IMPORT("host_fs", "fd_fiemap")
hob_errno_t hob_fs_fd_fiemap(hob_fd_t fd, uint32_t index, uint64_t *start, uint64_t *end, uint32_t *flags);

/* Reads an attribute of an open file.
 * Errors: badf fault inval io nomem notsup range notcapable nodata. */
HOB_IMPORT("host_fs", "fd_getxattr")
hob_errno_t hob_fs_fd_getxattr(hob_fd_t fd, const char *name, size_t name_len, void *value, size_t capacity, uint32_t *size);

/* Inserts zeroes and moves the rest up.
 * Errors: badf dquot fbig inval io nospc notsup perm rofs spipe notcapable. */
HOB_IMPORT("host_fs", "fd_insert_range")
hob_errno_t hob_fs_fd_insert_range(hob_fd_t fd, uint64_t offset, uint64_t len);

/* Gives a name to a file opened by `open_tmpfile`.
 * Errors: acces badf dquot exist fault fbig ilseq inval io loop mlink nametoolong noent nomem nospc notdir notsup perm rofs xdev notcapable. */
HOB_IMPORT("host_fs", "fd_link")
hob_errno_t hob_fs_fd_link(hob_fd_t fd, hob_fd_t dirfd, const char *path, size_t path_len);

/* The same for an open file.
 * Errors: badf fault io nomem notsup range notcapable. */
HOB_IMPORT("host_fs", "fd_listxattr")
hob_errno_t hob_fs_fd_listxattr(hob_fd_t fd, void *buf, size_t capacity, uint32_t *size);

/* Type and permission bits of an open file; 0 when unknown. */
HOB_IMPORT("host_fs", "fd_mode")
uint32_t hob_fs_fd_mode(hob_fd_t fd);

/* User and group of an open file.
 * Errors: badf fault io notcapable. */
HOB_IMPORT("host_fs", "fd_owner")
hob_errno_t hob_fs_fd_owner(hob_fd_t fd, uint32_t *uid, uint32_t *gid);

/* Turns a range of a file into zeroes that fill no room.
 * Errors: badf dquot fbig inval io nospc notsup perm rofs spipe notcapable. */
HOB_IMPORT("host_fs", "fd_punch_hole")
hob_errno_t hob_fs_fd_punch_hole(hob_fd_t fd, uint64_t offset, uint64_t len);

/* Removes an attribute of an open file.
 * Errors: acces badf fault inval io notsup perm rofs notcapable nodata. */
HOB_IMPORT("host_fs", "fd_removexattr")
hob_errno_t hob_fs_fd_removexattr(hob_fd_t fd, const char *name, size_t name_len);

/* Sets an attribute of an open file.
 * Errors: 2big acces badf dquot exist fault fbig inval io nomem nospc notsup perm range rofs notcapable nodata. */
HOB_IMPORT("host_fs", "fd_setxattr")
hob_errno_t hob_fs_fd_setxattr(hob_fd_t fd, const char *name, size_t name_len, const void *value, size_t value_len, uint32_t flags);

/* The size of an open file; −1 when unknown. */
HOB_IMPORT("host_fs", "fd_size")
int64_t hob_fs_fd_size(hob_fd_t fd);

/* Turns a range into zeroes.
 * Errors: badf dquot fbig inval io nospc notsup perm rofs spipe notcapable. */
HOB_IMPORT("host_fs", "fd_zero_range")
hob_errno_t hob_fs_fd_zero_range(hob_fd_t fd, uint64_t offset, uint64_t len, uint32_t keep_size);

/* The same as `fd_filestat_set_size`. Kept for old programs.
 * Errors: badf dquot fbig inval io nospc perm rofs notcapable. */
HOB_IMPORT("host_fs", "ftruncate")
hob_errno_t hob_fs_ftruncate(hob_fd_t fd, uint64_t size);

/* Opens a file without a name in a directory.
 * Errors: acces badf dquot fault fbig ilseq inval io isdir loop mfile nametoolong nfile noent nomem nospc notdir notsup perm rofs notcapable. */
HOB_IMPORT("host_fs", "open_tmpfile")
hob_errno_t hob_fs_open_tmpfile(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t oflags, uint32_t mode, uint32_t *fd);

/* Whether a file may be read (4), written (2), run (1), or is there (0).
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir perm rofs txtbsy notcapable. */
HOB_IMPORT("host_fs", "path_access")
hob_errno_t hob_fs_path_access(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t mode, uint32_t effective);

/* The blocks of 512 bytes a file fills; −1 when unknown. */
HOB_IMPORT("host_fs", "path_blocks")
int64_t hob_fs_path_blocks(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t follow);

/* The same as `chown`. Kept for old programs.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir notsup perm rofs notcapable. */
HOB_IMPORT("host_fs", "path_chown")
hob_errno_t hob_fs_path_chown(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t uid, uint32_t gid, uint32_t follow);

/* Reads an attribute; capacity 0 asks for its size.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir notsup perm range notcapable nodata. */
HOB_IMPORT("host_fs", "path_getxattr")
hob_errno_t hob_fs_path_getxattr(hob_fd_t dirfd, const char *path, size_t path_len, const char *name, size_t name_len, void *value, size_t capacity, uint32_t follow, uint32_t *size);

/* The names of the attributes, each ended by a zero byte.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir notsup perm range notcapable. */
HOB_IMPORT("host_fs", "path_listxattr")
hob_errno_t hob_fs_path_listxattr(hob_fd_t dirfd, const char *path, size_t path_len, void *buf, size_t capacity, uint32_t follow, uint32_t *size);

/* Makes a named pipe or a device.
 * Errors: acces badf dquot exist fault fbig ilseq inval io loop nametoolong noent nomem nospc notdir notsup perm rofs notcapable. */
HOB_IMPORT("host_fs", "path_mknod")
hob_errno_t hob_fs_path_mknod(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t mode, uint64_t device);

/* Type and permission bits of a file; 0 when unknown. */
HOB_IMPORT("host_fs", "path_mode")
uint32_t hob_fs_path_mode(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t follow);

/* User and group of a file.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir perm notcapable. */
HOB_IMPORT("host_fs", "path_owner")
hob_errno_t hob_fs_path_owner(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t follow, uint32_t *uid, uint32_t *gid);

/* The device a file stands for; 0 when none. */
HOB_IMPORT("host_fs", "path_rdev")
int64_t hob_fs_path_rdev(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t follow);

/* Removes an attribute.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir notsup perm rofs notcapable nodata. */
HOB_IMPORT("host_fs", "path_removexattr")
hob_errno_t hob_fs_path_removexattr(hob_fd_t dirfd, const char *path, size_t path_len, const char *name, size_t name_len, uint32_t follow);

/* Renames; 1 never replaces, 2 exchanges both.
 * Errors: acces badf busy dquot exist fault fbig ilseq inval io isdir loop mlink nametoolong noent nomem nospc notdir notempty notsup perm rofs xdev notcapable. */
HOB_IMPORT("host_fs", "path_renameat2")
hob_errno_t hob_fs_path_renameat2(hob_fd_t old_dirfd, const char *old_path, size_t old_path_len, hob_fd_t new_dirfd, const char *new_path, size_t new_path_len, uint32_t flags);

/* Sets an attribute; 1 only if new, 2 only if there.
 * Errors: 2big acces badf dquot exist fault fbig ilseq inval io loop nametoolong noent nomem nospc notdir notsup perm range rofs notcapable nodata. */
HOB_IMPORT("host_fs", "path_setxattr")
hob_errno_t hob_fs_path_setxattr(hob_fd_t dirfd, const char *path, size_t path_len, const char *name, size_t name_len, const void *value, size_t value_len, uint32_t flags, uint32_t follow);

/* The size of a file; −1 when unknown. */
HOB_IMPORT("host_fs", "path_size")
int64_t hob_fs_path_size(hob_fd_t dirfd, const char *path, size_t path_len, uint32_t follow);

/* Room and use of the file system a path lies in.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem nosys notdir notsup perm notcapable. */
HOB_IMPORT("host_fs", "path_statfs")
hob_errno_t hob_fs_path_statfs(hob_fd_t dirfd, const char *path, size_t path_len, uint64_t *total_bytes, uint64_t *used_bytes, uint64_t *available_bytes, uint64_t *total_inodes, uint64_t *free_inodes);

/* Changes how a file system is mounted; only for user 0.
 * Errors: acces badf busy fault ilseq inval io loop nametoolong noent nomem notdir notsup perm notcapable. */
HOB_IMPORT("host_fs", "remount")
hob_errno_t hob_fs_remount(const char *path, size_t path_len, const char *options, size_t options_len);

/* Whether the next `path_open` asks for unbuffered access. Kept for old programs. */
HOB_IMPORT("host_fs", "set_open_direct")
hob_errno_t hob_fs_set_open_direct(uint32_t on);

/* The permission bits of the file that the next `path_open` makes. Kept for old programs. */
HOB_IMPORT("host_fs", "set_open_mode")
hob_errno_t hob_fs_set_open_mode(uint32_t mode);

/* Functions of host_net. */

/* Takes the next connection, and says from where.
 * Errors: again badf connaborted connreset fault intr inval mfile nfile nomem notconn notsock notsup timedout notcapable. */
HOB_IMPORT("host_net", "net_accept")
hob_errno_t hob_net_accept(hob_fd_t fd, uint32_t *new_fd, void *addr, uint32_t *addr_len);

/* Gives a socket its own address.
 * Errors: acces addrinuse addrnotavail afnosupport badf exist fault inval nametoolong noent notsock notsup notcapable. */
HOB_IMPORT("host_net", "net_bind")
hob_errno_t hob_net_bind(hob_fd_t fd, const char *addr, size_t addr_len);

/* The same as `fd_close`. Kept for old programs.
 * Errors: badf intr io notsock notcapable. */
HOB_IMPORT("host_net", "net_close")
hob_errno_t hob_net_close(hob_fd_t fd);

/* Connects; the address is text, and is checked against what was granted.
 * Errors: acces addrnotavail afnosupport again already badf connrefused connreset fault hostunreach inprogress intr inval io isconn nametoolong netunreach nomem notconn notsock notsup timedout notcapable. */
HOB_IMPORT("host_net", "net_connect")
hob_errno_t hob_net_connect(hob_fd_t fd, const char *addr, size_t addr_len);

/* Records of a name: PTR (12) or SSHFP (44).
 * Errors: acces again fault intr inval io nobufs notsup timedout. */
HOB_IMPORT("host_net", "net_dns_query_rr_v1")
hob_errno_t hob_net_dns_query_rr_v1(const char *name, size_t name_len, uint32_t type, void *buf, size_t capacity, uint32_t *used, uint32_t *ttl, uint32_t *flags);

/* The addresses of a name, as JSON; family 0 is any, 4, or 6.
 * Errors: acces afnosupport again fault intr inval io nobufs noent timedout. */
HOB_IMPORT("host_net", "net_getaddrinfo")
hob_errno_t hob_net_getaddrinfo(const char *host, size_t host_len, const char *port, size_t port_len, uint32_t family, void *buf, uint32_t *buf_len);

/* The address a socket is connected to.
 * Errors: badf fault notconn notsock notcapable. */
HOB_IMPORT("host_net", "net_getpeername")
hob_errno_t hob_net_getpeername(hob_fd_t fd, void *addr, uint32_t *addr_len);

/* The own address of a socket.
 * Errors: badf fault notsock notcapable. */
HOB_IMPORT("host_net", "net_getsockname")
hob_errno_t hob_net_getsockname(hob_fd_t fd, void *addr, uint32_t *addr_len);

/* Reads an option of a socket: the pending error.
 * Errors: badf fault inval noprotoopt notsock notsup notcapable. */
HOB_IMPORT("host_net", "net_getsockopt")
hob_errno_t hob_net_getsockopt(hob_fd_t fd, uint32_t level, uint32_t name, void *value, uint32_t *value_len);

/* Lets others connect to a socket.
 * Errors: acces addrinuse badf destaddrreq inval notsock notsup notcapable. */
HOB_IMPORT("host_net", "net_listen")
hob_errno_t hob_net_listen(hob_fd_t fd, int32_t backlog);

/* Waits on descriptors; −1 is forever.
 * Errors: fault intr inval nomem. */
HOB_IMPORT("host_net", "net_poll")
hob_errno_t hob_net_poll(struct hob_pollfd *fds, size_t count, int32_t timeout_ms, uint32_t *ready);

/* Receives; 0 bytes is the end.
 * Errors: again badf connreset fault intr inval io nomem notconn notsock notsup timedout notcapable. */
HOB_IMPORT("host_net", "net_recv")
hob_errno_t hob_net_recv(hob_fd_t fd, void *buf, size_t buf_len, uint32_t flags, uint32_t *received);

/* Receives one datagram, and says from where.
 * Errors: again badf connreset fault intr inval io nomem notconn notsock notsup timedout notcapable. */
HOB_IMPORT("host_net", "net_recvfrom")
hob_errno_t hob_net_recvfrom(hob_fd_t fd, void *buf, size_t buf_len, uint32_t flags, uint32_t *received, void *addr, uint32_t *addr_len);

/* Sends; `notsock` tells a C library to use `fd_write`.
 * Errors: again badf connreset destaddrreq fault intr inval io msgsize nomem notconn notsock notsup pipe timedout notcapable. */
HOB_IMPORT("host_net", "net_send")
hob_errno_t hob_net_send(hob_fd_t fd, const void *buf, size_t buf_len, uint32_t flags, uint32_t *sent);

/* Sends one datagram to an address.
 * Errors: acces afnosupport again badf connreset destaddrreq fault hostunreach intr inval io isconn msgsize nametoolong netunreach nomem notconn notsock notsup pipe timedout notcapable. */
HOB_IMPORT("host_net", "net_sendto")
hob_errno_t hob_net_sendto(hob_fd_t fd, const void *buf, size_t buf_len, uint32_t flags, const char *addr, size_t addr_len, uint32_t *sent);

/* Whether calls on a socket wait.
 * Errors: badf notsock notcapable. */
HOB_IMPORT("host_net", "net_set_nonblock")
hob_errno_t hob_net_set_nonblock(hob_fd_t fd, uint32_t on);

/* Sets an option of a socket.
 * Errors: badf fault inval noprotoopt notsock notsup notcapable. */
HOB_IMPORT("host_net", "net_setsockopt")
hob_errno_t hob_net_setsockopt(hob_fd_t fd, uint32_t level, uint32_t name, const void *value, size_t value_len);

/* Makes a socket.
 * Errors: acces afnosupport fault inval mfile nfile notsup protonosupport prototype. */
HOB_IMPORT("host_net", "net_socket")
hob_errno_t hob_net_socket(uint32_t domain, uint32_t type, uint32_t protocol, uint32_t *fd);

/* Puts TLS on a connected socket; the host decides whom to trust.
 * Errors: acces again badf connreset fault intr inval io isconn nomem notconn notsock notsup proto timedout notcapable. */
HOB_IMPORT("host_net", "net_tls_connect")
hob_errno_t hob_net_tls_connect(hob_fd_t fd, const char *server_name, size_t server_name_len);

/* Whether a socket can accept; changes nothing. Kept for old programs.
 * Errors: badf inval notsock notsup notcapable. */
HOB_IMPORT("host_net", "net_validate_accept")
hob_errno_t hob_net_validate_accept(hob_fd_t fd);

/* Whether a descriptor is a socket; changes nothing. Kept for old programs.
 * Errors: badf notsock notcapable. */
HOB_IMPORT("host_net", "net_validate_socket")
hob_errno_t hob_net_validate_socket(hob_fd_t fd);

/* Functions of host_process. */

/* A second, lowest free number for the same open file.
 * Errors: badf fault mfile notcapable. */
HOB_IMPORT("host_process", "fd_dup")
hob_errno_t hob_process_fd_dup(hob_fd_t fd, uint32_t *new_fd);

/* Makes a chosen number name the same open file, closing what was there.
 * Errors: badf mfile notcapable. */
HOB_IMPORT("host_process", "fd_dup2")
hob_errno_t hob_process_fd_dup2(hob_fd_t fd, hob_fd_t to);

/* A second number, the lowest free from `min` on.
 * Errors: badf fault inval mfile notcapable. */
HOB_IMPORT("host_process", "fd_dup_min")
hob_errno_t hob_process_fd_dup_min(hob_fd_t fd, hob_fd_t min, uint32_t *new_fd);

/* Locks a whole file: shared 1, exclusive 2, without waiting 4, unlock 8.
 * Errors: again badf intr inval nolck notcapable. */
HOB_IMPORT("host_process", "fd_flock")
hob_errno_t hob_process_fd_flock(hob_fd_t fd, uint32_t op);

/* Bit 0: whether the descriptor is closed in another program.
 * Errors: badf fault notcapable. */
HOB_IMPORT("host_process", "fd_getfd")
hob_errno_t hob_process_fd_getfd(hob_fd_t fd, uint32_t *flags);

/* Makes a pipe of 64 KiB; writes up to 4096 bytes are whole.
 * Errors: acces fault mfile nfile nomem. */
HOB_IMPORT("host_process", "fd_pipe")
hob_errno_t hob_process_fd_pipe(uint32_t *read_fd, uint32_t *write_fd);

/* Asks for (12), takes (13) or waits for (14) a lock on a range of bytes.
 * Errors: acces again badf deadlk fault intr inval nolck overflow timedout notcapable. */
HOB_IMPORT("host_process", "fd_record_lock")
hob_errno_t hob_process_fd_record_lock(hob_fd_t fd, uint32_t cmd, uint32_t type, int64_t start, int64_t len, uint32_t *out_type, uint32_t *out_pid, uint64_t *out_start, uint64_t *out_len);

/* Receives bytes and descriptors from a local socket.
 * Errors: again badf connreset fault intr inval io mfile nomem notconn notsock timedout notcapable. */
HOB_IMPORT("host_process", "fd_recvmsg_rights")
hob_errno_t hob_process_fd_recvmsg_rights(hob_fd_t fd, void *buf, size_t buf_len, uint32_t *fds, size_t fds_cap, uint32_t flags, uint32_t *received, uint32_t *nfds, uint32_t *msg_flags);

/* Sends bytes and descriptors over a local socket.
 * Errors: again badf connreset fault intr inval io msgsize nomem notconn notsock pipe timedout notcapable. */
HOB_IMPORT("host_process", "fd_sendmsg_rights")
hob_errno_t hob_process_fd_sendmsg_rights(hob_fd_t fd, const void *data, size_t data_len, const uint32_t *fds, size_t fds_len, uint32_t flags, uint32_t *sent);

/* Sets that bit.
 * Errors: badf inval notcapable. */
HOB_IMPORT("host_process", "fd_setfd")
hob_errno_t hob_process_fd_setfd(hob_fd_t fd, uint32_t flags);

/* Two connected local sockets.
 * Errors: acces fault inval mfile nfile nomem notsup. */
HOB_IMPORT("host_process", "fd_socketpair")
hob_errno_t hob_process_fd_socketpair(uint32_t kind, uint32_t nonblock, uint32_t cloexec, uint32_t *a, uint32_t *b);

/* Closes every descriptor from a number on.
 * Errors: badf inval. */
HOB_IMPORT("host_process", "proc_closefrom")
hob_errno_t hob_process_proc_closefrom(hob_fd_t low_fd);

/* Becomes another program; returns only when it could not.
 * Errors: 2big acces again badf fault ilseq inval io isdir loop mfile nametoolong noent noexec nomem notdir perm notcapable. */
HOB_IMPORT("host_process", "proc_exec")
hob_errno_t hob_process_proc_exec(const char *path, size_t path_len, const char *argv, size_t argv_len, const char *envp, size_t envp_len, const uint32_t *cloexec_fds, size_t cloexec_count);

/* Becomes the program an open descriptor holds.
 * Errors: 2big acces badf fault inval io noexec nomem notcapable. */
HOB_IMPORT("host_process", "proc_fexec")
hob_errno_t hob_process_proc_fexec(hob_fd_t fd, const char *argv, size_t argv_len, const char *envp, size_t envp_len, const uint32_t *cloexec_fds, size_t cloexec_count);

/* The group of a process; 0 is this one.
 * Errors: fault perm srch. */
HOB_IMPORT("host_process", "proc_getpgid")
hob_errno_t hob_process_proc_getpgid(hob_pid_t pid, uint32_t *pgid);

/* The number of this process.
 * Errors: fault. */
HOB_IMPORT("host_process", "proc_getpid")
hob_errno_t hob_process_proc_getpid(uint32_t *pid);

/* The number of its parent as it is now.
 * Errors: fault. */
HOB_IMPORT("host_process", "proc_getppid")
hob_errno_t hob_process_proc_getppid(uint32_t *pid);

/* A limit of this process, numbered 0 to 9 as on Linux.
 * Errors: fault inval. */
HOB_IMPORT("host_process", "proc_getrlimit")
hob_errno_t hob_process_proc_getrlimit(uint32_t resource, uint64_t *soft, uint64_t *hard);

/* Reads (0) or sets (1) the timer that sends SIGALRM.
 * Errors: fault inval. */
HOB_IMPORT("host_process", "proc_itimer_real")
hob_errno_t hob_process_proc_itimer_real(uint32_t op, int64_t value_us, int64_t interval_us, uint64_t *remaining_us, uint64_t *interval_old_us);

/* Sends a signal, 0 to 64, to a process or group; 0 only asks whether it is there.
 * Errors: acces inval perm srch. */
HOB_IMPORT("host_process", "proc_kill")
hob_errno_t hob_process_proc_kill(hob_pid_t pid, uint32_t signal);

/* Waits on descriptors under another signal mask; both times negative is forever.
 * Errors: fault intr inval nomem. */
HOB_IMPORT("host_process", "proc_ppoll_v1")
hob_errno_t hob_process_proc_ppoll_v1(struct hob_pollfd *fds, size_t count, int64_t sec, int64_t nsec, uint32_t mask_lo, uint32_t mask_hi, uint32_t has_mask, uint32_t *ready);

/* Moves this process or a child into a group.
 * Errors: acces inval perm srch. */
HOB_IMPORT("host_process", "proc_setpgid")
hob_errno_t hob_process_proc_setpgid(hob_pid_t pid, hob_pid_t pgid);

/* Lowers a limit of this process.
 * Errors: inval perm. */
HOB_IMPORT("host_process", "proc_setrlimit")
hob_errno_t hob_process_proc_setrlimit(uint32_t resource, uint64_t soft, uint64_t hard);

/* Says what a signal does: 0 its default, 1 nothing, 2 call the trampoline.
 * Errors: inval notsup. */
HOB_IMPORT("host_process", "proc_sigaction")
hob_errno_t hob_process_proc_sigaction(uint32_t signal, uint32_t action, uint32_t mask_lo, uint32_t mask_hi, uint32_t flags);

/* Blocks (0), unblocks (1), replaces (2) or reads (3) the signal mask.
 * Errors: fault inval. */
HOB_IMPORT("host_process", "proc_signal_mask_v2")
hob_errno_t hob_process_proc_signal_mask_v2(uint32_t how, uint32_t set_lo, uint32_t set_hi, uint32_t *old_lo, uint32_t *old_hi);

/* Starts a child: first argument is the command, −1 for a stream is the null device. Kept for old programs.
 * Errors: 2big acces again badf fault ilseq inval io isdir loop mfile nametoolong noent noexec nomem notdir perm notcapable. */
HOB_IMPORT("host_process", "proc_spawn")
hob_errno_t hob_process_proc_spawn(const char *argv, size_t argv_len, const char *envp, size_t envp_len, int32_t stdin, int32_t stdout, int32_t stderr, const char *cwd, size_t cwd_len, uint32_t *pid);

/* The same, with the file to run apart from the first argument. Kept for old programs.
 * Errors: 2big acces again badf fault ilseq inval io isdir loop mfile nametoolong noent noexec nomem notdir perm notcapable. */
HOB_IMPORT("host_process", "proc_spawn_v2")
hob_errno_t hob_process_proc_spawn_v2(const char *path, size_t path_len, const char *argv, size_t argv_len, const char *envp, size_t envp_len, int32_t stdin, int32_t stdout, int32_t stderr, const char *cwd, size_t cwd_len, uint32_t *pid);

/* Starts a child with the descriptors of this process, changed by a list of file actions. Kept for old programs.
 * Errors: 2big acces again badf fault ilseq inval io isdir loop mfile nametoolong noent noexec nomem notdir notsup perm srch notcapable. */
HOB_IMPORT("host_process", "proc_spawn_v3")
hob_errno_t hob_process_proc_spawn_v3(const char *path, size_t path_len, const char *argv, size_t argv_len, const char *envp, size_t envp_len, const void *actions, size_t actions_len, const char *cwd, size_t cwd_len, uint32_t attr_flags, uint32_t sigdef_lo, uint32_t sigdef_hi, uint32_t sigmask_lo, uint32_t sigmask_hi, hob_pid_t pgroup, uint32_t *pid);

/* The same, with a search path (a null pointer: the path is exact) and scheduling.
 * Errors: 2big acces again badf fault ilseq inval io isdir loop mfile nametoolong noent noexec nomem notdir notsup perm srch notcapable. */
HOB_IMPORT("host_process", "proc_spawn_v4")
hob_errno_t hob_process_proc_spawn_v4(const char *path, size_t path_len, const char *argv, size_t argv_len, const char *envp, size_t envp_len, const void *actions, size_t actions_len, const char *cwd, size_t cwd_len, const char *search_path, size_t search_path_len, uint32_t attr_flags, uint32_t sigdef_lo, uint32_t sigdef_hi, uint32_t sigmask_lo, uint32_t sigmask_hi, hob_pid_t pgroup, uint32_t sched_policy, int32_t sched_priority, uint32_t *pid);

/* Sets the file mode mask.
 * Errors: fault. */
HOB_IMPORT("host_process", "proc_umask")
hob_errno_t hob_process_proc_umask(uint32_t mask, uint32_t *old);

/* Waits for a child; status is its exit code, or 128 plus the signal that ended it. Kept for old programs.
 * Errors: child fault intr inval. */
HOB_IMPORT("host_process", "proc_waitpid")
hob_errno_t hob_process_proc_waitpid(hob_pid_t pid, uint32_t options, uint32_t *status, uint32_t *ret_pid);

/* The same, with exit code and signal apart. Kept for old programs.
 * Errors: child fault intr inval. */
HOB_IMPORT("host_process", "proc_waitpid_v2")
hob_errno_t hob_process_proc_waitpid_v2(hob_pid_t pid, uint32_t options, uint32_t *exit_code, uint32_t *signal, uint32_t *ret_pid, uint32_t *core);

/* The same, with the Linux wait status, stopped and continued included.
 * Errors: child fault intr inval. */
HOB_IMPORT("host_process", "proc_waitpid_v3")
hob_errno_t hob_process_proc_waitpid_v3(hob_pid_t pid, uint32_t options, uint32_t *status, uint32_t *ret_pid);

/* Makes a terminal: the side that is typed at, and the side a program sees.
 * Errors: acces fault mfile nfile nomem. */
HOB_IMPORT("host_process", "pty_open")
hob_errno_t hob_process_pty_open(uint32_t *master, uint32_t *slave);

/* Waits, unless a signal ends the wait. Kept for old programs.
 * Errors: intr. */
HOB_IMPORT("host_process", "sleep_ms")
hob_errno_t hob_process_sleep_ms(uint32_t ms);

/* Reads the file mode mask, and sets it when `set` is not 0. Kept for old programs.
 * Errors: fault. */
HOB_IMPORT("host_process", "umask")
hob_errno_t hob_process_umask(uint32_t mask, uint32_t set, uint32_t *old);

/* Functions of host_system. */

/* One line about the system: node 0, system 1, release 2, version 3, machine 4, domain 5.
 * Errors: fault inval nametoolong. */
HOB_IMPORT("host_system", "get_identity")
hob_errno_t hob_system_get_identity(uint32_t field, void *buf, size_t capacity);

/* Functions of host_tty. */

/* The settings of a terminal and its seven control characters.
 * Errors: badf fault notty notcapable. */
HOB_IMPORT("host_tty", "get_attr")
hob_errno_t hob_tty_get_attr(hob_fd_t fd, uint32_t *flags, uint8_t *control);

/* The group that a terminal listens to.
 * Errors: badf fault notty notcapable. */
HOB_IMPORT("host_tty", "get_pgrp")
hob_errno_t hob_tty_get_pgrp(hob_fd_t fd, uint32_t *pgid);

/* The session a terminal belongs to.
 * Errors: badf fault notty notcapable. */
HOB_IMPORT("host_tty", "get_sid")
hob_errno_t hob_tty_get_sid(hob_fd_t fd, uint32_t *sid);

/* The size of a terminal; failures are numbered as on Linux: 5, 9, 14 or 25. Kept for old programs. */
HOB_IMPORT("host_tty", "get_size")
uint32_t hob_tty_get_size(hob_fd_t fd, uint16_t *columns, uint16_t *rows);

/* 1 when a descriptor is a terminal, else 0. Kept for old programs. */
HOB_IMPORT("host_tty", "isatty")
uint32_t hob_tty_isatty(hob_fd_t fd);

/* Reads what was typed; 0 is the end, an error, or that time is up. Kept for old programs. */
HOB_IMPORT("host_tty", "read")
uint32_t hob_tty_read(void *buf, size_t capacity, int32_t timeout_ms);

/* Sets both.
 * Errors: badf fault intr inval notty notcapable. */
HOB_IMPORT("host_tty", "set_attr")
hob_errno_t hob_tty_set_attr(hob_fd_t fd, uint32_t flags, const uint8_t *control);

/* Chooses the group that a terminal listens to.
 * Errors: badf intr inval notty perm srch notcapable. */
HOB_IMPORT("host_tty", "set_pgrp")
hob_errno_t hob_tty_set_pgrp(hob_fd_t fd, hob_pid_t pgid);

/* Switches line editing of standard input off; it is back when the program ends. Kept for old programs.
 * Errors: badf inval io notty. */
HOB_IMPORT("host_tty", "set_raw_mode")
hob_errno_t hob_tty_set_raw_mode(uint32_t on);

/* Sets the size of a terminal and sends SIGWINCH.
 * Errors: badf inval notty notcapable. */
HOB_IMPORT("host_tty", "set_size")
hob_errno_t hob_tty_set_size(hob_fd_t fd, uint32_t columns, uint32_t rows);

/* Functions of host_user. */

/* The effective group.
 * Errors: fault. */
HOB_IMPORT("host_user", "getegid")
hob_errno_t hob_user_getegid(uint32_t *id);

/* The effective user.
 * Errors: fault. */
HOB_IMPORT("host_user", "geteuid")
hob_errno_t hob_user_geteuid(uint32_t *id);

/* The real group.
 * Errors: fault. */
HOB_IMPORT("host_user", "getgid")
hob_errno_t hob_user_getgid(uint32_t *id);

/* The group at a place in the list; `noent` ends it.
 * Errors: fault io noent range. */
HOB_IMPORT("host_user", "getgrent")
hob_errno_t hob_user_getgrent(uint32_t index, void *buf, size_t capacity, uint32_t *used);

/* The group of a number, as a line of /etc/group.
 * Errors: fault io noent range. */
HOB_IMPORT("host_user", "getgrgid")
hob_errno_t hob_user_getgrgid(uint32_t gid, void *buf, size_t capacity, uint32_t *used);

/* The group of a name.
 * Errors: fault inval io nametoolong noent range. */
HOB_IMPORT("host_user", "getgrnam")
hob_errno_t hob_user_getgrnam(const char *name, size_t name_len, void *buf, size_t capacity, uint32_t *used);

/* The further groups; capacity 0 asks how many.
 * Errors: fault inval. */
HOB_IMPORT("host_user", "getgroups")
hob_errno_t hob_user_getgroups(size_t capacity, uint32_t *groups, uint32_t *count);

/* The account at a place in the list; `noent` ends it.
 * Errors: fault io noent range. */
HOB_IMPORT("host_user", "getpwent")
hob_errno_t hob_user_getpwent(uint32_t index, void *buf, size_t capacity, uint32_t *used);

/* The account of a name.
 * Errors: fault inval io nametoolong noent range. */
HOB_IMPORT("host_user", "getpwnam")
hob_errno_t hob_user_getpwnam(const char *name, size_t name_len, void *buf, size_t capacity, uint32_t *used);

/* The account of a user number, as a line of /etc/passwd.
 * Errors: fault io noent range. */
HOB_IMPORT("host_user", "getpwuid")
hob_errno_t hob_user_getpwuid(uint32_t uid, void *buf, size_t capacity, uint32_t *used);

/* The three group numbers.
 * Errors: fault. */
HOB_IMPORT("host_user", "getresgid")
hob_errno_t hob_user_getresgid(uint32_t *real, uint32_t *effective, uint32_t *saved);

/* The three user numbers.
 * Errors: fault. */
HOB_IMPORT("host_user", "getresuid")
hob_errno_t hob_user_getresuid(uint32_t *real, uint32_t *effective, uint32_t *saved);

/* The real user.
 * Errors: fault. */
HOB_IMPORT("host_user", "getuid")
hob_errno_t hob_user_getuid(uint32_t *id);

/* Whether a descriptor is a terminal. Kept for old programs.
 * Errors: badf fault notcapable. */
HOB_IMPORT("host_user", "isatty")
hob_errno_t hob_user_isatty(hob_fd_t fd, uint32_t *answer);

/* Sets the effective group.
 * Errors: inval perm. */
HOB_IMPORT("host_user", "setegid")
hob_errno_t hob_user_setegid(uint32_t gid);

/* Sets the effective user.
 * Errors: inval perm. */
HOB_IMPORT("host_user", "seteuid")
hob_errno_t hob_user_seteuid(uint32_t uid);

/* Becomes a group, all three numbers for user 0.
 * Errors: inval perm. */
HOB_IMPORT("host_user", "setgid")
hob_errno_t hob_user_setgid(uint32_t gid);

/* Sets the further groups; only for user 0.
 * Errors: fault inval perm. */
HOB_IMPORT("host_user", "setgroups")
hob_errno_t hob_user_setgroups(size_t count, const uint32_t *groups);

/* Sets two group numbers; −1 leaves one as it is.
 * Errors: inval perm. */
HOB_IMPORT("host_user", "setregid")
hob_errno_t hob_user_setregid(uint32_t real, uint32_t effective);

/* Sets three group numbers; −1 leaves one as it is.
 * Errors: inval perm. */
HOB_IMPORT("host_user", "setresgid")
hob_errno_t hob_user_setresgid(uint32_t real, uint32_t effective, uint32_t saved);

/* Sets three user numbers; −1 leaves one as it is.
 * Errors: inval perm. */
HOB_IMPORT("host_user", "setresuid")
hob_errno_t hob_user_setresuid(uint32_t real, uint32_t effective, uint32_t saved);

/* Sets two user numbers; −1 leaves one as it is.
 * Errors: inval perm. */
HOB_IMPORT("host_user", "setreuid")
hob_errno_t hob_user_setreuid(uint32_t real, uint32_t effective);

/* Becomes a user, all three numbers for user 0.
 * Errors: inval perm. */
HOB_IMPORT("host_user", "setuid")
hob_errno_t hob_user_setuid(uint32_t uid);

/* Functions of wasi_snapshot_preview1. */

/* Writes pointers to the arguments, and the arguments, each ended by a zero byte.
 * Errors: fault. */
HOB_IMPORT("wasi_snapshot_preview1", "args_get")
hob_errno_t hob_wasi_args_get(void *argv, void *argv_buf);

/* Says how many arguments there are and how many bytes they fill.
 * Errors: fault. */
HOB_IMPORT("wasi_snapshot_preview1", "args_sizes_get")
hob_errno_t hob_wasi_args_sizes_get(uint32_t *argc, uint32_t *argv_buf_size);

/* The resolution of a clock, in nanoseconds.
 * Errors: fault inval notsup. */
HOB_IMPORT("wasi_snapshot_preview1", "clock_res_get")
hob_errno_t hob_wasi_clock_res_get(uint32_t id, uint64_t *resolution);

/* The time of a clock, in nanoseconds.
 * Errors: fault inval notsup overflow. */
HOB_IMPORT("wasi_snapshot_preview1", "clock_time_get")
hob_errno_t hob_wasi_clock_time_get(uint32_t id, uint64_t precision, uint64_t *time);

/* Writes pointers to the variables, and each as `KEY=value` ended by a zero byte.
 * Errors: fault. */
HOB_IMPORT("wasi_snapshot_preview1", "environ_get")
hob_errno_t hob_wasi_environ_get(void *environ, void *environ_buf);

/* Says how many variables there are and how many bytes they fill.
 * Errors: fault. */
HOB_IMPORT("wasi_snapshot_preview1", "environ_sizes_get")
hob_errno_t hob_wasi_environ_sizes_get(uint32_t *count, uint32_t *buf_size);

/* Says how a file will be read; nothing depends on it. Kept for old programs.
 * Errors: badf inval notsup spipe notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_advise")
hob_errno_t hob_wasi_fd_advise(hob_fd_t fd, uint64_t offset, uint64_t len, uint32_t advice);

/* Makes room in a file up to offset + len. Kept for old programs.
 * Errors: badf dquot fbig inval io nospc notsup perm rofs spipe notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_allocate")
hob_errno_t hob_wasi_fd_allocate(hob_fd_t fd, uint64_t offset, uint64_t len);

/* Closes a descriptor.
 * Errors: badf intr io notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_close")
hob_errno_t hob_wasi_fd_close(hob_fd_t fd);

/* Waits until the data of a file is stored.
 * Errors: badf inval io notsup notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_datasync")
hob_errno_t hob_wasi_fd_datasync(hob_fd_t fd);

/* Type, flags and rights of a descriptor; types 5 and 6 are sockets.
 * Errors: badf fault notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_fdstat_get")
hob_errno_t hob_wasi_fd_fdstat_get(hob_fd_t fd, struct hob_fdstat *stat);

/* Sets append, non-blocking and synchronous writing.
 * Errors: badf inval notsup notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_fdstat_set_flags")
hob_errno_t hob_wasi_fd_fdstat_set_flags(hob_fd_t fd, uint32_t flags);

/* Gives rights up; none can be regained. Kept for old programs.
 * Errors: badf inval notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_fdstat_set_rights")
hob_errno_t hob_wasi_fd_fdstat_set_rights(hob_fd_t fd, uint64_t rights_base, uint64_t rights_inheriting);

/* Size, type and times of an open file; the size of pipes and sockets is 0.
 * Errors: badf fault io notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_filestat_get")
hob_errno_t hob_wasi_fd_filestat_get(hob_fd_t fd, struct hob_filestat *stat);

/* Cuts or extends an open file.
 * Errors: badf dquot fbig inval io nospc perm rofs notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_filestat_set_size")
hob_errno_t hob_wasi_fd_filestat_set_size(hob_fd_t fd, uint64_t size);

/* Sets the times of an open file. Kept for old programs.
 * Errors: acces badf inval io notsup perm rofs notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_filestat_set_times")
hob_errno_t hob_wasi_fd_filestat_set_times(hob_fd_t fd, uint64_t atim, uint64_t mtim, uint32_t fst_flags);

/* Reads at an offset and leaves the position alone.
 * Errors: badf fault inval io isdir nomem spipe notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_pread")
hob_errno_t hob_wasi_fd_pread(hob_fd_t fd, const struct hob_iovec *iovs, size_t iovs_len, uint64_t offset, uint32_t *nread);

/* Writes the name of a granted directory.
 * Errors: badf fault inval nametoolong notdir notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_prestat_dir_name")
hob_errno_t hob_wasi_fd_prestat_dir_name(hob_fd_t fd, void *path, size_t path_len);

/* Describes the granted directory that a descriptor is; `badf` ends the list.
 * Errors: badf fault notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_prestat_get")
hob_errno_t hob_wasi_fd_prestat_get(hob_fd_t fd, struct hob_prestat *stat);

/* Writes at an offset and leaves the position alone.
 * Errors: badf dquot fault fbig inval io nomem nospc perm rofs spipe notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_pwrite")
hob_errno_t hob_wasi_fd_pwrite(hob_fd_t fd, const struct hob_iovec *iovs, size_t iovs_len, uint64_t offset, uint32_t *nwritten);

/* Reads at most what fits; less is not an error, 0 is the end.
 * Errors: again badf connreset fault intr inval io isdir nomem notconn timedout notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_read")
hob_errno_t hob_wasi_fd_read(hob_fd_t fd, const struct hob_iovec *iovs, size_t iovs_len, uint32_t *nread);

/* Writes entries of a directory from a cookie on; the last may be cut.
 * Errors: badf fault inval io nomem notdir notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_readdir")
hob_errno_t hob_wasi_fd_readdir(hob_fd_t fd, void *buf, size_t buf_len, uint64_t cookie, uint32_t *bufused);

/* Moves a descriptor to a number that is open, closing what was there. Kept for old programs.
 * Errors: badf notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_renumber")
hob_errno_t hob_wasi_fd_renumber(hob_fd_t fd, hob_fd_t to);

/* Moves the position of a file.
 * Errors: badf fault inval io overflow spipe notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_seek")
hob_errno_t hob_wasi_fd_seek(hob_fd_t fd, int64_t offset, uint32_t whence, uint64_t *newoffset);

/* Waits until a file and what describes it are stored.
 * Errors: badf inval io notsup notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_sync")
hob_errno_t hob_wasi_fd_sync(hob_fd_t fd);

/* The position of a file.
 * Errors: badf fault io spipe notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_tell")
hob_errno_t hob_wasi_fd_tell(hob_fd_t fd, uint64_t *offset);

/* Writes; less than asked is not an error.
 * Errors: again badf connreset dquot fault fbig intr inval io nomem nospc notconn perm pipe rofs timedout notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "fd_write")
hob_errno_t hob_wasi_fd_write(hob_fd_t fd, const struct hob_iovec *iovs, size_t iovs_len, uint32_t *nwritten);

/* Makes a directory; the umask applies.
 * Errors: acces badf dquot exist fault fbig ilseq inval io loop mlink nametoolong noent nomem nospc notdir perm rofs notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_create_directory")
hob_errno_t hob_wasi_path_create_directory(hob_fd_t dirfd, const char *path, size_t path_len);

/* Size, type and times of a file by name; lookup bit 0 follows a link at the end.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir perm notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_filestat_get")
hob_errno_t hob_wasi_path_filestat_get(hob_fd_t dirfd, uint32_t lookup, const char *path, size_t path_len, struct hob_filestat *stat);

/* Sets the times of a file by name. Kept for old programs.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir notsup perm rofs notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_filestat_set_times")
hob_errno_t hob_wasi_path_filestat_set_times(hob_fd_t dirfd, uint32_t lookup, const char *path, size_t path_len, uint64_t atim, uint64_t mtim, uint32_t fst_flags);

/* Makes a second name for a file.
 * Errors: acces badf dquot exist fault fbig ilseq inval io loop mlink nametoolong noent nomem nospc notdir notsup perm rofs xdev notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_link")
hob_errno_t hob_wasi_path_link(hob_fd_t old_dirfd, uint32_t lookup, const char *old_path, size_t old_path_len, hob_fd_t new_dirfd, const char *new_path, size_t new_path_len);

/* Opens a file; rights bit 1 asks for reading, bit 6 for writing.
 * Errors: acces badf dquot exist fault fbig ilseq intr inval io isdir loop mfile nametoolong nfile nodev noent nomem nospc notdir notsup nxio perm rofs txtbsy notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_open")
hob_errno_t hob_wasi_path_open(hob_fd_t dirfd, uint32_t lookup, const char *path, size_t path_len, uint32_t oflags, uint64_t rights_base, uint64_t rights_inheriting, uint32_t fdflags, uint32_t *fd);

/* Reads where a link points; what does not fit is cut.
 * Errors: acces badf fault ilseq inval io loop nametoolong noent nomem notdir perm notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_readlink")
hob_errno_t hob_wasi_path_readlink(hob_fd_t dirfd, const char *path, size_t path_len, void *buf, size_t buf_len, uint32_t *bufused);

/* Removes an empty directory.
 * Errors: acces badf busy fault ilseq inval io loop nametoolong noent nomem notdir notempty perm rofs notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_remove_directory")
hob_errno_t hob_wasi_path_remove_directory(hob_fd_t dirfd, const char *path, size_t path_len);

/* Renames, replacing what had the new name.
 * Errors: acces badf busy dquot exist fault fbig ilseq inval io isdir loop mlink nametoolong noent nomem nospc notdir notempty perm rofs xdev notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_rename")
hob_errno_t hob_wasi_path_rename(hob_fd_t old_dirfd, const char *old_path, size_t old_path_len, hob_fd_t new_dirfd, const char *new_path, size_t new_path_len);

/* Makes a symbolic link.
 * Errors: acces badf dquot exist fault fbig ilseq inval io loop nametoolong noent nomem nospc notdir notsup perm rofs notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_symlink")
hob_errno_t hob_wasi_path_symlink(const char *target, size_t target_len, hob_fd_t dirfd, const char *path, size_t path_len);

/* Removes a name that is not a directory.
 * Errors: acces badf busy fault ilseq inval io isdir loop nametoolong noent nomem notdir perm rofs notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "path_unlink_file")
hob_errno_t hob_wasi_path_unlink_file(hob_fd_t dirfd, const char *path, size_t path_len);

/* Waits until one subscription is due; errors of one arrive in its event.
 * Errors: badf fault intr inval notsup notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "poll_oneoff")
hob_errno_t hob_wasi_poll_oneoff(const union hob_subscription *subscriptions, struct hob_event *events, size_t count, uint32_t *nevents);

/* Ends the program with the low eight bits of `code`. */
HOB_IMPORT("wasi_snapshot_preview1", "proc_exit")
__attribute__((noreturn)) void hob_wasi_proc_exit(uint32_t code);

/* Ends the program as that signal would, unless the signal is ignored. Kept for old programs.
 * Errors: inval nosys notsup. */
HOB_IMPORT("wasi_snapshot_preview1", "proc_raise")
hob_errno_t hob_wasi_proc_raise(uint32_t signal);

/* Fills memory with random bytes.
 * Errors: fault inval io nomem notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "random_get")
hob_errno_t hob_wasi_random_get(void *buf, size_t buf_len);

/* Lets others run. */
HOB_IMPORT("wasi_snapshot_preview1", "sched_yield")
hob_errno_t hob_wasi_sched_yield(void);

/* Accepts a connection on a socket that was handed in. Kept for old programs.
 * Errors: again badf connreset fault intr inval mfile nomem notconn notsock notsup timedout notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "sock_accept")
hob_errno_t hob_wasi_sock_accept(hob_fd_t fd, uint32_t flags, uint32_t *new_fd);

/* Receives on a socket that was handed in. Kept for old programs.
 * Errors: again badf connreset fault intr inval io nomem notconn notsock notsup timedout notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "sock_recv")
hob_errno_t hob_wasi_sock_recv(hob_fd_t fd, const struct hob_iovec *iovs, size_t iovs_len, uint32_t flags, uint32_t *nread, uint16_t *out_flags);

/* Sends on a socket that was handed in. Kept for old programs.
 * Errors: again badf connreset fault intr inval io nomem notconn notsock notsup pipe timedout notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "sock_send")
hob_errno_t hob_wasi_sock_send(hob_fd_t fd, const struct hob_iovec *iovs, size_t iovs_len, uint32_t flags, uint32_t *nwritten);

/* Ends receiving (1), sending (2) or both (3) of a connection. Kept for old programs.
 * Errors: badf inval notconn notsock notsup notcapable. */
HOB_IMPORT("wasi_snapshot_preview1", "sock_shutdown")
hob_errno_t hob_wasi_sock_shutdown(hob_fd_t fd, uint32_t how);

#ifdef __cplusplus
}
#endif

#endif
