/*
 * A library that is loaded before the C library (LD_PRELOAD) and lets the N-th call of one kind fail.
 *
 * Only calls on files below the given roots count, so an interpreter's own files are left alone. Calls of
 * one kind are counted together, whatever they are spelled (pwrite64, writev, ...: "write"). What failed once
 * may stay broken: every later call of that kind fails too, on the same disk or everywhere. A disk is a bay
 * of the home, or one of its other folders, or another root as a whole. Every counted call is written to a
 * trace.
 *
 * Orders come from failing_calls_arm, or from the environment for a program that cannot call it.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define ROOTS_MAX 4
#define SHORT (-1) /* half of the bytes are moved, and the count says so */
#define KILL (-2)  /* SIGKILL before the call */
#define HANG (-3)  /* the call never comes back */
#define DISK 1  /* every later call of the kind on the same disk fails too */
#define WORLD 2 /* every later call of the kind fails, wherever */
#define BLOCK 4096 /* a short transfer around the page cache ends at a block too */

enum kind {
  WRITE, READ, SYNC, OPEN, CREATE, RENAME, LINK, TRUNCATE, MKDIR, UNLINK, CLOSE, LIST, STATVFS, KINDS
};
static const char *const NAMES[KINDS] = {
    "write", "read", "sync", "open", "create", "rename", "link",
    "truncate", "mkdir", "unlink", "close", "list", "statvfs",
};

static struct {
  char roots[ROOTS_MAX][PATH_MAX];
  int root_count;
  int kind;          /* that fails; -1: none */
  long number;       /* of the first call that fails, from 1 */
  int error;         /* errno value, SHORT or KILL */
  int lasting;       /* DISK, WORLD or 0: once */
  char broken[PATH_MAX];
  int trace;         /* descriptor, -1: none */
  atomic_int armed;
  atomic_long counts[KINDS];
} plan = {.trace = -1, .kind = -1};

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int inside(const char *path) {
  for (int i = 0; i < plan.root_count; i++) {
    size_t length = strlen(plan.roots[i]);
    if (!strncmp(path, plan.roots[i], length) && (path[length] == '/' || !path[length])) return i;
  }
  return -1;
}

/* The path up to the disk that it lies on. */
static void disk_of(const char *path, int root, char *disk) {
  size_t end = strlen(plan.roots[root]);
  int parts = root ? 0 : !strncmp(path + end, "/bay/", 5) ? 2 : 1; /* root 0 is the home */
  for (; parts && path[end]; parts--) end += strcspn(path + end + 1, "/") + 1;
  memcpy(disk, path, end);
  disk[end] = 0;
}

static void tell(int kind, long count, const char *what, const char *path) {
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "%s %ld %s %s\n", NAMES[kind], count, what, path);
  if (plan.trace >= 0) syscall(SYS_write, plan.trace, line, (size_t)length);
}

/* 0: go on; otherwise the error of this call. */
static int judge(int kind, const char *path) {
  int root = plan.armed ? inside(path) : -1;
  if (root < 0) return 0;
  long count = atomic_fetch_add(&plan.counts[kind], 1) + 1;
  int hit = 0;
  if (kind == plan.kind) {
    char disk[PATH_MAX];
    disk_of(path, root, disk);
    hit = count == plan.number || (plan.lasting == DISK && *plan.broken && !strcmp(disk, plan.broken)) ||
          (plan.lasting == WORLD && count > plan.number);
    if (count == plan.number) strcpy(plan.broken, disk);
  }
  const char *what = !hit ? "ok" : plan.error == SHORT ? "short" : plan.error == KILL ? "kill" : plan.error == HANG ? "hang" : "fail";
  tell(kind, count, what, path);
  if (hit && plan.error == KILL) kill(getpid(), SIGKILL);
  while (hit && plan.error == HANG) pause();
  return hit ? plan.error : 0;
}

static int path_of(int number, char *path) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", number);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, (size_t)PATH_MAX - 1);
  path[length < 0 ? 0 : length] = 0;
  return length > 0;
}

static int judge_fd(int kind, int number) {
  char path[PATH_MAX];
  int before = errno;
  int error = plan.armed && path_of(number, path) ? judge(kind, path) : 0;
  errno = error > 0 ? error : before;
  return error;
}

static int judge_at(int kind, int folder, const char *name) {
  char path[2 * PATH_MAX] = "";
  int before = errno;
  if (!plan.armed) return 0;
  if (*name != '/') {
    if (folder == AT_FDCWD ? !getcwd(path, PATH_MAX) : !path_of(folder, path)) return 0;
    strncat(path, "/", 2);
  }
  strncat(path, name, PATH_MAX - 1);
  path[PATH_MAX - 1] = 0;
  int error = judge(kind, path);
  errno = error > 0 ? error : before;
  return error;
}

static size_t half(size_t count) {
  return count >= 2 * BLOCK ? count / 2 / BLOCK * BLOCK : (count + 1) / 2;
}

/* A failed fsync throws away what it could not write: the page cache calls the pages clean, the platter holds
 * old bytes. For a file that has no name yet (a leading dot) the old bytes are zeros. */
static void lose(int number) {
  static const char zeros[1 << 16];
  char path[PATH_MAX], link[32];
  struct stat facts;
  if (!path_of(number, path) || strrchr(path, '/')[1] != '.' || fstat(number, &facts) ||
      !S_ISREG(facts.st_mode)) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", number);
  int again = syscall(SYS_openat, AT_FDCWD, link, O_WRONLY | O_CLOEXEC);
  for (off_t at = 0; again >= 0 && at < facts.st_size; at += sizeof zeros) {
    size_t left = (size_t)(facts.st_size - at);
    syscall(SYS_pwrite64, again, zeros, left < sizeof zeros ? left : sizeof zeros, at);
  }
  syscall(SYS_close, again);
}

/* Transfers */

#define TRANSFER(kind, name, ...)          \
  int error = judge_fd(kind, number);      \
  if (error > 0) return -1;                \
  if (error == SHORT) count = half(count); \
  return REAL(name)(number, buffer, count, ##__VA_ARGS__)

ssize_t write(int number, const void *buffer, size_t count) { TRANSFER(WRITE, write); }
ssize_t pwrite(int number, const void *buffer, size_t count, off_t at) { TRANSFER(WRITE, pwrite, at); }
ssize_t read(int number, void *buffer, size_t count) { TRANSFER(READ, read); }
ssize_t pread(int number, void *buffer, size_t count, off_t at) { TRANSFER(READ, pread, at); }

/* Of a vector a short transfer moves half of the first part. */
#define VECTOR(kind, name, ...)                                                \
  int error = judge_fd(kind, number);                                          \
  if (error > 0) return -1;                                                    \
  struct iovec first = {.iov_base = NULL};                                     \
  if (error == SHORT && count > 0) {                                           \
    first = (struct iovec){.iov_base = parts->iov_base, .iov_len = half(parts->iov_len)}; \
    parts = &first, count = 1;                                                 \
  }                                                                            \
  return REAL(name)(number, parts, count, ##__VA_ARGS__)

ssize_t writev(int number, const struct iovec *parts, int count) { VECTOR(WRITE, writev); }
ssize_t readv(int number, const struct iovec *parts, int count) { VECTOR(READ, readv); }
ssize_t pwritev(int number, const struct iovec *parts, int count, off_t at) { VECTOR(WRITE, pwritev, at); }
ssize_t pwritev2(int number, const struct iovec *parts, int count, off_t at, int flags) {
  VECTOR(WRITE, pwritev2, at, flags);
}
ssize_t preadv(int number, const struct iovec *parts, int count, off_t at) { VECTOR(READ, preadv, at); }
ssize_t preadv2(int number, const struct iovec *parts, int count, off_t at, int flags) {
  VECTOR(READ, preadv2, at, flags);
}

/* Where off_t has 64 bits, a call and its 64-bit spelling are one. */
_Static_assert(sizeof(off_t) == 8, "a 64-bit system");
#define SPELLED(name, as) extern __typeof__(as) name __attribute__((alias(#as)))
SPELLED(pwrite64, pwrite);
SPELLED(pread64, pread);
SPELLED(pwritev64, pwritev);
SPELLED(pwritev64v2, pwritev2);
SPELLED(preadv64, preadv);
SPELLED(preadv64v2, preadv2);

/* Descriptors */

static int synced(int number) {
  int error = judge_fd(SYNC, number);
  if (error > 0) {
    lose(number);
    errno = error;
  }
  return error;
}
int fsync(int number) { return synced(number) > 0 ? -1 : REAL(fsync)(number); }
int fdatasync(int number) { return synced(number) > 0 ? -1 : REAL(fdatasync)(number); }
int ftruncate(int number, off_t size) {
  return judge_fd(TRUNCATE, number) > 0 ? -1 : REAL(ftruncate)(number, size);
}
int close(int number) { /* what close reports, it has closed all the same */
  int error = judge_fd(CLOSE, number);
  int done = REAL(close)(number);
  errno = error > 0 ? error : errno;
  return error > 0 ? -1 : done;
}
struct dirent *readdir(DIR *folder) {
  return judge_fd(LIST, dirfd(folder)) > 0 ? NULL : REAL(readdir)(folder);
}
struct dirent64 *readdir64(DIR *folder) {
  return judge_fd(LIST, dirfd(folder)) > 0 ? NULL : REAL(readdir64)(folder);
}

/* Names */

#define OPENED(name, folder, path, ...)                                   \
  mode_t mode = 0;                                                        \
  if (flags & (O_CREAT | __O_TMPFILE)) {                                  \
    va_list rest;                                                         \
    va_start(rest, flags);                                                \
    mode = va_arg(rest, mode_t);                                          \
    va_end(rest);                                                         \
  }                                                                       \
  if (judge_at(flags & O_CREAT ? CREATE : OPEN, folder, path) > 0) return -1; \
  return REAL(name)(__VA_ARGS__, path, flags, mode)

int openat(int folder, const char *path, int flags, ...) { OPENED(openat, folder, path, folder); }
int open(const char *path, int flags, ...) { OPENED(openat, AT_FDCWD, path, AT_FDCWD); }
SPELLED(openat64, openat);
SPELLED(open64, open);
SPELLED(ftruncate64, ftruncate);
#define NAMED(kind, folder, path, name, ...) \
  return judge_at(kind, folder, path) > 0 ? -1 : REAL(name)(__VA_ARGS__)

int rename(const char *old, const char *new) { NAMED(RENAME, AT_FDCWD, old, rename, old, new); }
int renameat(int from, const char *old, int to, const char *new) {
  NAMED(RENAME, from, old, renameat, from, old, to, new);
}
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
  NAMED(RENAME, from, old, renameat2, from, old, to, new, flags);
}
int link(const char *old, const char *new) { NAMED(LINK, AT_FDCWD, new, link, old, new); }
int linkat(int from, const char *old, int to, const char *new, int flags) {
  NAMED(LINK, to, new, linkat, from, old, to, new, flags);
}
int symlink(const char *old, const char *new) { NAMED(LINK, AT_FDCWD, new, symlink, old, new); }
int symlinkat(const char *old, int to, const char *new) { NAMED(LINK, to, new, symlinkat, old, to, new); }
int mkdir(const char *path, mode_t mode) { NAMED(MKDIR, AT_FDCWD, path, mkdir, path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) {
  NAMED(MKDIR, folder, path, mkdirat, folder, path, mode);
}
int unlink(const char *path) { NAMED(UNLINK, AT_FDCWD, path, unlink, path); }
int unlinkat(int folder, const char *path, int flags) {
  NAMED(UNLINK, folder, path, unlinkat, folder, path, flags);
}
int statvfs(const char *path, struct statvfs *facts) { NAMED(STATVFS, AT_FDCWD, path, statvfs, path, facts); }
int statvfs64(const char *path, struct statvfs64 *facts) {
  NAMED(STATVFS, AT_FDCWD, path, statvfs64, path, facts);
}

/* Orders */

void failing_calls_arm(const char *roots, const char *kind, long number, int error, int lasting,
    const char *trace) {
  plan.root_count = 0;
  while (*roots && plan.root_count < ROOTS_MAX) {
    size_t length = strcspn(roots, "\n");
    snprintf(plan.roots[plan.root_count++], PATH_MAX, "%.*s", (int)length, roots);
    roots += length + (roots[length] == '\n');
  }
  plan.kind = -1;
  for (int i = 0; i < KINDS; i++)
    if (!strcmp(kind, NAMES[i])) plan.kind = i;
  plan.number = number, plan.error = error, plan.lasting = lasting;
  if (*trace)
    plan.trace = syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  plan.armed = 1;
}

__attribute__((constructor)) static void arm_from_environment(void) {
  const char *roots = getenv("FAILING_CALLS_ROOTS"), *kind = getenv("FAILING_CALLS_KIND");
  const char *number = getenv("FAILING_CALLS_NUMBER"), *error = getenv("FAILING_CALLS_ERROR");
  const char *lasting = getenv("FAILING_CALLS_LASTING"), *trace = getenv("FAILING_CALLS_TRACE");
  if (roots && kind && number && error && lasting && trace)
    failing_calls_arm(roots, kind, atol(number), atoi(error), atoi(lasting), trace);
}
