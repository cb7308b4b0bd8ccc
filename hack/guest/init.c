/* The only process of a guest: loads each program of each object by itself, says what the kernel's verifier answers, and switches
 * the machine off. Lines for the host begin with "VERIFY "; the last is "VERIFY end". */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LOG_BYTES = 1 << 20, LOG_STATISTICS = 4, TAIL_LINES = 12 };

static char verifier_log[LOG_BYTES];
static char library_log[1 << 16];

static int keep_library_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	size_t used = strlen(library_log);
	if (level == LIBBPF_WARN && used + 1 < sizeof(library_log))
		vsnprintf(library_log + used, sizeof(library_log) - used, format, arguments);
	return 0;
}

static void print_tail(const char *text)
{
	const char *from = text + strlen(text);
	for (int lines = 0; from > text && lines <= TAIL_LINES; from--)
		lines += from[-1] == '\n';
	printf("%s\n", from);
}

/* Opens the object anew for each program, so that a refused one does not hide the others. */
static void verify_program(const char *path, const char *object_name, const char *wanted)
{
	verifier_log[0] = library_log[0] = 0;
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), wanted));
		bpf_program__set_log_buf(program, verifier_log, sizeof(verifier_log));
		bpf_program__set_log_level(program, LOG_STATISTICS);
	}
	int error = bpf_object__load(object);
	const char *statistics = strstr(verifier_log, "processed ");
	int length = statistics ? (int)strcspn(statistics, "\n(") : 0;
	printf("VERIFY %s %s %s %.*s\n", error ? "refused" : "passed", object_name, wanted, length, statistics ? statistics : "");
	if (error) {
		print_tail(verifier_log);
		print_tail(library_log);
		printf("error %d: %s\n", -error, strerror(-error));
	}
	bpf_object__close(object);
}

static void verify_object(const char *path, const char *name)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	if (!object) {
		printf("VERIFY refused %s (the object cannot be opened) %s\n", name, strerror(errno));
		return;
	}
	struct bpf_program *program;
	bpf_object__for_each_program(program, object)
		verify_program(path, name, bpf_program__name(program));
	bpf_object__close(object);
}

int main(void)
{
	struct utsname kernel;
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_print(keep_library_log);
	uname(&kernel);
	printf("VERIFY kernel %s\n", kernel.release);
	DIR *folder = opendir("/objects");
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		char path[512];
		snprintf(path, sizeof(path), "/objects/%s", entry->d_name);
		if (entry->d_name[0] != '.')
			verify_object(path, entry->d_name);
	}
	puts("VERIFY end");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
