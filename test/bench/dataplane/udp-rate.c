/* Sends or counts small datagrams: udp-rate send ADDRESS PORT FLOWS MILLISECONDS | udp-rate count PORT MILLISECONDS.
 * `send` uses one socket for each flow, in batches, unpaced, and prints how many it sent; `count` prints how many datagrams
 * arrived between the first one and the end. Both are bounded in time. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, PAYLOAD = 64, MAX_FLOWS = 64 };

static long long now_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static int fail(const char *what)
{
	fprintf(stderr, "udp-rate: %s: %s\n", what, strerror(errno));
	return 1;
}

static int send_datagrams(const char *address, int port, int flows, long long duration_ms)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	static char payload[PAYLOAD];
	struct iovec vector = {payload, PAYLOAD};
	struct mmsghdr batch[BATCH];
	int sockets[MAX_FLOWS];
	long long sent = 0;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || flows < 1 || flows > MAX_FLOWS)
		return fail("bad address or number of flows");
	for (int flow = 0; flow < flows; flow++) {
		sockets[flow] = socket(AF_INET, SOCK_DGRAM, 0);
		if (sockets[flow] < 0 || connect(sockets[flow], (struct sockaddr *)&to, sizeof(to)) < 0)
			return fail("connect");
	}
	memset(batch, 0, sizeof(batch));
	for (int index = 0; index < BATCH; index++) {
		batch[index].msg_hdr.msg_iov = &vector;
		batch[index].msg_hdr.msg_iovlen = 1;
	}
	for (long long end = now_ms() + duration_ms, turn = 0; now_ms() < end; turn++) {
		int count = sendmmsg(sockets[turn % flows], batch, BATCH, 0);
		if (count > 0)
			sent += count;
	}
	printf("%lld\n", sent);
	return 0;
}

static int count_datagrams(int port, long long duration_ms)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct mmsghdr batch[BATCH];
	struct iovec vectors[BATCH];
	static char buffers[BATCH][2048];
	long long received = 0, first = 0, last = 0, deadline = now_ms() + 10000;
	int size = 8 << 20, socket_fd = socket(AF_INET, SOCK_DGRAM, 0);

	setsockopt(socket_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (socket_fd < 0 || bind(socket_fd, (struct sockaddr *)&here, sizeof(here)) < 0)
		return fail("bind");
	memset(batch, 0, sizeof(batch));
	for (int index = 0; index < BATCH; index++) {
		vectors[index] = (struct iovec){buffers[index], sizeof(buffers[index])};
		batch[index].msg_hdr.msg_iov = &vectors[index];
		batch[index].msg_hdr.msg_iovlen = 1;
	}
	puts("ready");
	fflush(stdout);
	while (now_ms() < deadline) {
		struct pollfd ready = {socket_fd, POLLIN, 0};
		if (poll(&ready, 1, 100) <= 0)
			continue;
		int count = recvmmsg(socket_fd, batch, BATCH, MSG_DONTWAIT, NULL);
		if (count <= 0)
			continue;
		if (!first) {
			first = now_ms();
			deadline = first + duration_ms;
		}
		received += count;
		last = now_ms();
	}
	printf("%.0f\n", last > first ? received * 1000.0 / (last - first) : 0.0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "send"))
		return send_datagrams(argv[2], atoi(argv[3]), atoi(argv[4]), atoll(argv[5]));
	if (argc == 4 && !strcmp(argv[1], "count"))
		return count_datagrams(atoi(argv[2]), atoll(argv[3]));
	fputs("usage: udp-rate send ADDRESS PORT FLOWS MILLISECONDS | udp-rate count PORT MILLISECONDS\n", stderr);
	return 2;
}
