/* Sends, counts and inspects small datagrams.
 *   udp-rate send ADDRESS PORT FLOWS TARGETS MILLISECONDS   prints how many it sent, and nanoseconds of its CPU time for each
 *   udp-rate count PORT MILLISECONDS [--buckets]            prints how many arrived per second between the first one and the end;
 *                                                           with --buckets also the clock of the first, and a count for each millisecond
 *   udp-rate checksum DEVICE                                prints `partial` or `complete`: the next UDP frame that leaves the device
 * `send` uses one socket for each flow, in batches, unpaced; flow F goes to ADDRESS with F % TARGETS added to its third byte.
 * All are bounded in time. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, PAYLOAD = 64, MAX_FLOWS = 256, MAX_BUCKETS = 20000, WAIT_MS = 10000, PROTOCOL_OFFSET = 9 };
/* The receiver naps instead of waiting for each datagram: else waking it is a large part of the sender's work, with every overlay.
 * The buffer holds what arrives meanwhile. */
enum { NAP_NS = 500000, BUFFER_BYTES = 32 << 20 };

static long long now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long cpu_ns(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
}

static int fail(const char *what)
{
	fprintf(stderr, "udp-rate: %s: %s\n", what, strerror(errno));
	return 1;
}

static int send_datagrams(struct in_addr address, int port, int flows, int targets, long long duration_ns)
{
	static char payload[PAYLOAD];
	struct iovec vector = {payload, PAYLOAD};
	struct mmsghdr batch[BATCH];
	int sockets[MAX_FLOWS];
	long long sent = 0;

	for (int flow = 0; flow < flows; flow++) {
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address};
		to.sin_addr.s_addr = htonl(ntohl(address.s_addr) + ((flow % targets) << 8));
		sockets[flow] = socket(AF_INET, SOCK_DGRAM, 0);
		if (sockets[flow] < 0 || connect(sockets[flow], (struct sockaddr *)&to, sizeof(to)) < 0)
			return fail("connect");
	}
	memset(batch, 0, sizeof(batch));
	for (int index = 0; index < BATCH; index++) {
		batch[index].msg_hdr.msg_iov = &vector;
		batch[index].msg_hdr.msg_iovlen = 1;
	}
	long long before = cpu_ns();
	for (long long end = now_ns() + duration_ns, turn = 0; now_ns() < end; turn++) {
		int count = sendmmsg(sockets[turn % flows], batch, BATCH, 0);
		if (count > 0)
			sent += count;
	}
	printf("%lld %.1f\n", sent, sent ? (double)(cpu_ns() - before) / sent : 0.0);
	return 0;
}

static int count_datagrams(int port, long long duration_ns, int show_buckets)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct mmsghdr batch[BATCH];
	struct iovec vectors[BATCH];
	static char buffers[BATCH][2048];
	static unsigned buckets[MAX_BUCKETS];
	long long received = 0, first = 0, last = 0, deadline = now_ns() + WAIT_MS * 1000000LL;
	int size = BUFFER_BYTES, socket_fd = socket(AF_INET, SOCK_DGRAM, 0);

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
	while (now_ns() < deadline) {
		int count = recvmmsg(socket_fd, batch, BATCH, MSG_DONTWAIT, NULL);
		if (count <= 0) {
			nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
			continue;
		}
		last = now_ns();
		if (!first) {
			first = last;
			deadline = first + duration_ns;
		}
		received += count;
		long long bucket = (last - first) / 1000000;
		if (bucket < MAX_BUCKETS)
			buckets[bucket] += count;
	}
	printf("%.0f\n", last > first ? received * 1e9 / (last - first) : 0.0);
	if (!show_buckets)
		return 0;
	printf("%lld", first);
	for (long long bucket = 0; bucket <= (last - first) / 1000000 && bucket < MAX_BUCKETS; bucket++)
		printf(" %u", buckets[bucket]);
	puts("");
	return 0;
}

/* The kernel tells a packet socket whether a frame's checksum is still to be filled in. */
static int show_checksum(const char *device)
{
	int one = 1, socket_fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	struct sockaddr_ll here = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(device)};
	if (socket_fd < 0 || bind(socket_fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    setsockopt(socket_fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) < 0)
		return fail(device);
	puts("ready");
	fflush(stdout);
	for (long long deadline = now_ns() + WAIT_MS * 1000000LL; now_ns() < deadline;) {
		unsigned char packet[64] = {0}, control[256];
		struct sockaddr_ll from;
		struct iovec vector = {packet, sizeof(packet)};
		struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &vector, .msg_iovlen = 1,
		                         .msg_control = control, .msg_controllen = sizeof(control)};
		struct pollfd ready = {socket_fd, POLLIN, 0};
		if (poll(&ready, 1, 100) <= 0 || recvmsg(socket_fd, &message, MSG_DONTWAIT) < 0)
			continue;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		if (!header || from.sll_pkttype != PACKET_OUTGOING || from.sll_protocol != htons(ETH_P_IP) ||
		    packet[PROTOCOL_OFFSET] != IPPROTO_UDP)
			continue;
		struct tpacket_auxdata *data = (struct tpacket_auxdata *)CMSG_DATA(header);
		puts(data->tp_status & TP_STATUS_CSUMNOTREADY ? "partial" : "complete");
		return 0;
	}
	errno = ETIMEDOUT;
	return fail(device);
}

int main(int argc, char **argv)
{
	struct in_addr address;
	if (argc == 7 && !strcmp(argv[1], "send") && inet_pton(AF_INET, argv[2], &address) == 1) {
		int flows = atoi(argv[4]), targets = atoi(argv[5]);
		if (flows >= 1 && flows <= MAX_FLOWS && targets >= 1)
			return send_datagrams(address, atoi(argv[3]), flows, targets, atoll(argv[6]) * 1000000);
	}
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "count"))
		return count_datagrams(atoi(argv[2]), atoll(argv[3]) * 1000000, argc == 5);
	if (argc == 3 && !strcmp(argv[1], "checksum"))
		return show_checksum(argv[2]);
	fputs("usage: udp-rate send ADDRESS PORT FLOWS TARGETS MILLISECONDS | count PORT MILLISECONDS [--buckets] | checksum DEVICE\n", stderr);
	return 2;
}
