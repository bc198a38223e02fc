// Stands between a process and libc (LD_PRELOAD): makes the disk under one directory fail, lie or be slow, shifts the wall clock, and writes down
// every change of that directory's files, from which disk.ts works out what a power cut would have left. For tests only: Linux, glibc, 64 bits.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// `code`: an errno, 0 for none. `left`: how many more calls fail; negative: until it is turned off.
struct fault {
  int32_t code, left;
};

// The control file, which the test writes while the process runs. shim.ts knows this layout.
struct control {
  int64_t clock_shift_ms;
  struct fault syncs, writes;
  int32_t sync_delay_ms, sync_lies, write_short;
  // So many changes and syncs until the process is killed before the next one; 0: it lives. `death_main`: those of the log of writes do not count.
  int32_t death_in, death_main, unused;
  int32_t syncs_seen, syncs_failed, writes_seen, writes_failed;
};

static struct control without_file;
static volatile struct control *control = &without_file;
static char data[PATH_MAX];
static size_t data_length;
static int journal = -1;
// Held over a change and its entry: the journal has the order of the changes.
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

static void fatal(const char *what) {
  perror(what);
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char *control_path = getenv("CASTBRIDGE_SHIM_CONTROL"), *journal_path = getenv("CASTBRIDGE_SHIM_JOURNAL");
  const char *data_path = getenv("CASTBRIDGE_SHIM_DATA");
  if (control_path == NULL || journal_path == NULL || data_path == NULL) return;
  int fd = syscall(SYS_openat, AT_FDCWD, control_path, O_RDWR | O_CLOEXEC);
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || mapped == MAP_FAILED) fatal(control_path);
  control = mapped;
  journal = syscall(SYS_openat, AT_FDCWD, journal_path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (journal < 0) fatal(journal_path);
  snprintf(data, sizeof data, "%s", data_path);
  data_length = strlen(data);
}

// What stands behind the data directory in a path; "" for the directory itself, NULL for what is elsewhere.
static const char *within(const char *path) {
  if (data_length == 0 || strncmp(path, data, data_length) != 0) return NULL;
  if (path[data_length] == '\0') return "";
  return path[data_length] == '/' ? path + data_length + 1 : NULL;
}

// The kernel is asked for the name at every call: right after any open, rename, dup or close, and there is no table to keep.
static const char *name_of(int fd, char path[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int kept = errno;
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  errno = kept;
  if (length < 0) return NULL;
  path[length] = '\0';
  return within(path);
}

// SQLite's shared memory is changed by mmap, which is not seen here, and made anew after a crash.
static int is_journaled(const char *name) {
  size_t length = strlen(name);
  return length < 4 || strcmp(name + length - 4, "-shm") != 0;
}

struct entry {
  char what;
  char unused;
  uint16_t name_bytes;
  uint32_t data_bytes;
  int64_t at;
};

static void live_or_die(const char *name) {
  size_t length = strlen(name);
  if (control->death_in <= 0 || (control->death_main && length > 4 && strcmp(name + length - 4, "-wal") == 0)) return;
  if (--control->death_in == 0) kill(getpid(), SIGKILL);
}

// One entry in one call: a process that is killed leaves it whole, cut short at the end of the file, or not at all.
static void note(char what, const char *name, int64_t at, const void *bytes, size_t length) {
  if (!is_journaled(name)) return;
  live_or_die(name);
  struct entry entry = {what, 0, strlen(name), length, at};
  struct iovec parts[] = {{&entry, sizeof entry}, {(void *)name, entry.name_bytes}, {(void *)bytes, length}};
  ssize_t whole = sizeof entry + entry.name_bytes + length;
  if (syscall(SYS_writev, journal, parts, 3) != whole) fatal("the shim's journal");
}

// Changes are written down before they are made, so that none can be in the files and not in the journal. This takes the last one back.
static void take_back(const char *name) {
  int kept = errno;
  note('X', name, 0, "", 0);
  errno = kept;
}

static int strikes(volatile struct fault *fault, volatile int32_t *struck) {
  if (fault->code == 0 || fault->left == 0) return 0;
  if (fault->left > 0) fault->left--;
  (*struck)++;
  errno = fault->code;
  return 1;
}

// Ends one change: what failed did not happen.
static long ended(const char *name, long result) {
  if (result < 0) take_back(name);
  pthread_mutex_unlock(&changing);
  return result;
}

// `offset` -1: where the descriptor stands.
static ssize_t write_data(int fd, const char *name, const void *bytes, size_t length, off_t offset) {
  pthread_mutex_lock(&changing);
  control->writes_seen++;
  // A disk that fills up takes a part first.
  int is_short = control->write_short && control->writes.left != 0 && length > 1;
  if (is_short) control->write_short = 0, length /= 2;
  if (!is_short && strikes(&control->writes, &control->writes_failed)) {
    pthread_mutex_unlock(&changing);
    return -1;
  }
  off_t at = offset >= 0 ? offset : lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
  note('W', name, at, bytes, length);
  ssize_t result = offset >= 0 ? syscall(SYS_pwrite64, fd, bytes, length, offset) : syscall(SYS_write, fd, bytes, length);
  if (result >= 0 && result < (ssize_t)length) {
    take_back(name);
    note('W', name, at, bytes, result);
  }
  return ended(name, result);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  return name == NULL ? syscall(SYS_write, fd, bytes, length) : write_data(fd, name, bytes, length, -1);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  return name == NULL ? syscall(SYS_pwrite64, fd, bytes, length, offset) : write_data(fd, name, bytes, length, offset);
}

int ftruncate(int fd, off_t length) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  if (name == NULL) return syscall(SYS_ftruncate, fd, length);
  pthread_mutex_lock(&changing);
  if (strikes(&control->writes, &control->writes_failed)) {
    pthread_mutex_unlock(&changing);
    return -1;
  }
  note('T', name, length, "", 0);
  return ended(name, syscall(SYS_ftruncate, fd, length));
}

static int sync_data(int fd, long call) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  if (name == NULL) return syscall(call, fd);
  if (control->sync_delay_ms > 0) usleep(control->sync_delay_ms * 1000);
  pthread_mutex_lock(&changing);
  control->syncs_seen++;
  int result = -1;
  if (!strikes(&control->syncs, &control->syncs_failed)) result = control->sync_lies ? 0 : syscall(call, fd);
  // Noted when it is done: what was killed in the middle of it has promised nothing.
  if (result < 0 || !control->sync_lies) {
    int kept = errno;
    note(result < 0 ? 'F' : 'S', name, 0, "", 0);
    errno = kept;
  }
  pthread_mutex_unlock(&changing);
  return result;
}

int fsync(int fd) { return sync_data(fd, SYS_fsync); }

int fdatasync(int fd) { return sync_data(fd, SYS_fdatasync); }

int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  const char *name = within(path);
  if (name == NULL || !(flags & (O_CREAT | O_TRUNC))) return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  pthread_mutex_lock(&changing);
  int exists = access(path, F_OK) == 0;
  // An existing one is not changed, unless it is cut off.
  if (exists && !(flags & O_TRUNC)) {
    pthread_mutex_unlock(&changing);
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  }
  note(exists ? 'T' : 'C', name, 0, "", 0);
  return ended(name, syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int unlink(const char *path) {
  const char *name = within(path);
  if (name == NULL) return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  pthread_mutex_lock(&changing);
  note('U', name, 0, "", 0);
  return ended(name, syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

// From one name to another within the directory: nothing moves a file in or out.
int rename(const char *from, const char *to) {
  const char *name = within(from), *target = within(to);
  if (name == NULL || target == NULL) return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  pthread_mutex_lock(&changing);
  note('R', name, 0, target, strlen(target));
  return ended(name, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  long result = syscall(SYS_clock_gettime, clock, time);
  if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  int64_t shift_ms = control->clock_shift_ms;
  int64_t ns = time->tv_nsec + shift_ms % 1000 * 1000000;
  int64_t borrowed = ns < 0 ? -1 : ns / 1000000000;
  time->tv_sec += shift_ms / 1000 + borrowed;
  time->tv_nsec = ns - borrowed * 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into != NULL) *into = now.tv_sec;
  return now.tv_sec;
}

// The names of programs that were built for large files: the same calls where a long has 64 bits.
#define ALSO(name) __attribute__((alias(#name)))
ssize_t pwrite64(int, const void *, size_t, off64_t) ALSO(pwrite);
int ftruncate64(int, off64_t) ALSO(ftruncate);
int open64(const char *, int, ...) ALSO(open);
