// launch: runs one container of the laboratory as a process in namespaces of its own.
//
//   launch --scratch DIR [--net FILE] [--pidfile FILE] [--host-pid] [--workdir DIR] [--bind SOURCE TARGET rw|ro]… -- PROGRAM [ARGUMENT]…
//
// The container sees the machine's files through a copy-on-write layer (a tmpfs at DIR in its private mount namespace), so
// that nothing it writes outside a bind leaves a trace. Process 1 of its pid namespace passes signals on and reaps; when it
// dies, the kernel ends everything else in the container. The caller's death ends the container too.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_BINDS 64
#define PATH_BYTES 4096

struct bind {
  const char *source, *target;
  int read_only;
};

static const char *scratch, *net, *pidfile, *workdir = "/";
static int host_pid, bind_count;
static struct bind binds[MAX_BINDS];
static volatile sig_atomic_t child;

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "launch: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, ": %s\n", strerror(errno));
  va_end(arguments);
  exit(128);
}

static void forward(int signal) {
  if (child > 0) kill(child, signal);
}

static void forward_signals(void) {
  struct sigaction action = {.sa_handler = forward};
  int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

// Ends with the child's exit code, or with 128 plus the signal that ended it, as a shell would say it.
static void wait_and_exit(pid_t pid) {
  for (;;) {
    int status;
    pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) fail("wait for process %d", pid);
    if (ended == pid) _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

static void make_directories(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(path, 0755) && errno != EEXIST) fail("create %s", path);
    *slash = '/';
  }
}

// A mount point must be of the same kind as what is mounted on it.
static void make_mount_point(char *path, const char *source) {
  struct stat info;
  if (stat(source, &info)) fail("look at %s", source);
  make_directories(path);
  if (S_ISDIR(info.st_mode)) {
    if (mkdir(path, 0755) && errno != EEXIST) fail("create %s", path);
  } else {
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (file < 0) fail("create %s", path);
    close(file);
  }
}

static void mount_bind(const char *source, const char *target, int read_only) {
  if (mount(source, target, NULL, MS_BIND | MS_REC, NULL)) fail("bind %s to %s", source, target);
  if (read_only && mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)) fail("make %s read-only", target);
}

static int starts_with(const char *path, const char *prefix) {
  size_t length = strlen(prefix);
  return !strncmp(path, prefix, length) && (path[length] == '/' || !path[length]);
}

// Other file systems of the machine (a separate /home, say) do not show through the layer over /: they are added read-only.
static void bind_other_file_systems(const char *root) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  if (!mounts) fail("open /proc/self/mountinfo");
  static const char *const own[] = {"/proc", "/sys", "/dev", "/run", "/var/run"};
  char line[8192], point[PATH_BYTES], target[2 * PATH_BYTES];
  while (fgets(line, sizeof line, mounts)) {
    if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 || !strcmp(point, "/")) continue;
    int skipped = starts_with(point, scratch);
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++) skipped |= starts_with(point, own[i]);
    struct stat info;
    if (skipped || strchr(point, '\\') || stat(point, &info)) continue;
    snprintf(target, sizeof target, "%s%s", root, point);
    make_mount_point(target, point);
    if (mount(point, target, NULL, MS_BIND, NULL) == 0)
      mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
  }
  fclose(mounts);
}

static void mount_new(const char *type, const char *root, const char *name, const char *options) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", root, name);
  mkdir(path, 0755);
  if (mount(type, path, type, 0, options)) fail("mount %s on %s", type, path);
}

static void enter_root(void) {
  char root[PATH_BYTES - 64], upper[PATH_BYTES], work[PATH_BYTES], path[3 * PATH_BYTES];
  if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) fail("make mounts private");
  if (mount("launch", scratch, "tmpfs", 0, "mode=0755")) fail("mount a tmpfs on %s", scratch);
  snprintf(root, sizeof root, "%s/root", scratch);
  snprintf(upper, sizeof upper, "%s/upper", scratch);
  snprintf(work, sizeof work, "%s/work", scratch);
  mkdir(root, 0755), mkdir(upper, 0755), mkdir(work, 0755);
  snprintf(path, sizeof path, "lowerdir=/,upperdir=%s,workdir=%s", upper, work);
  if (mount("launch", root, "overlay", 0, path)) fail("mount an overlay on %s (%s)", root, path);
  bind_other_file_systems(root);
  mount_new("proc", root, "proc", NULL);
  // Of the network namespace that this process is in: /sys/class/net must show the right devices.
  mount_new("sysfs", root, "sys", NULL);
  mount_new("tmpfs", root, "run", "mode=0755");
  snprintf(path, sizeof path, "%s/dev", root);
  mount_bind("/dev", path, 0);
  for (int i = 0; i < bind_count; i++) {
    const char *target = binds[i].target;
    // /var/run is a symbolic link to /run, absolute on some machines: resolved from outside it would leave the root.
    if (starts_with(target, "/var/run")) target += strlen("/var");
    snprintf(path, sizeof path, "%s%s", root, target);
    make_mount_point(path, binds[i].source);
    mount_bind(binds[i].source, path, binds[i].read_only);
  }
  // New root over the old one, which is then detached: no path leads out of the container.
  if (chdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH)) fail("enter %s", root);
  if (chdir(workdir)) fail("change to the working directory %s", workdir);
}

static void start_program(char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  execvp(argv[0], argv);
  fprintf(stderr, "launch: run %s: %s\n", argv[0], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}

static void run_inside(char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  enter_root();
  if (host_pid) start_program(argv);
  child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    signal(SIGTERM, SIG_DFL);
    start_program(argv);
  }
  wait_and_exit(child);
}

static char **parse(int count, char **words) {
  for (int i = 1; i < count; i++) {
    const char *word = words[i];
    if (!strcmp(word, "--")) return scratch && words[i + 1] ? words + i + 1 : NULL;
    if (!strcmp(word, "--host-pid")) host_pid = 1;
    else if (!strcmp(word, "--scratch") && i + 1 < count) scratch = words[++i];
    else if (!strcmp(word, "--net") && i + 1 < count) net = words[++i];
    else if (!strcmp(word, "--pidfile") && i + 1 < count) pidfile = words[++i];
    else if (!strcmp(word, "--workdir") && i + 1 < count) workdir = words[++i];
    else if (!strcmp(word, "--bind") && i + 3 < count && bind_count < MAX_BINDS) {
      binds[bind_count++] = (struct bind){words[i + 1], words[i + 2], !strcmp(words[i + 3], "ro")};
      i += 3;
    } else return NULL;
  }
  return NULL;
}

int main(int count, char **words) {
  char **argv = parse(count, words);
  if (!argv) {
    fprintf(stderr, "usage: launch --scratch DIR [--net FILE] [--pidfile FILE] [--host-pid] [--workdir DIR] [--bind SOURCE TARGET rw|ro]... -- PROGRAM...\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (net) {
    int file = open(net, O_RDONLY | O_CLOEXEC);
    if (file < 0 || setns(file, CLONE_NEWNET)) fail("enter the network namespace %s", net);
  }
  if (!host_pid && unshare(CLONE_NEWPID)) fail("make a pid namespace");
  int file = pidfile ? open(pidfile, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644) : -1;
  if (pidfile && file < 0) fail("create %s", pidfile);
  forward_signals();
  child = fork();
  if (child < 0) fail("fork");
  if (child == 0) run_inside(argv);
  if (pidfile) {
    char text[32];
    int length = snprintf(text, sizeof text, "%d\n", child);
    if (write(file, text, length) != length) fail("write %s", pidfile);
  }
  wait_and_exit(child);
}
