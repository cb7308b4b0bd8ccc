/* Raw frames for the tests: `test-socket send DEVICE HEX...` sends each frame; `test-socket listen DEVICE ETHERTYPE` says "ready", then
 * prints each received frame of that EtherType (hex) as a line of hex digits, until it is ended. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FRAME 65536

static int fail(const char *what)
{
	fprintf(stderr, "test-socket: %s: %s\n", what, strerror(errno));
	return 1;
}

static ssize_t from_hex(const char *text, unsigned char *frame)
{
	size_t length = strlen(text) / 2;
	for (size_t i = 0; i < length && i < MAX_FRAME; i++)
		if (sscanf(text + 2 * i, "%2hhx", &frame[i]) != 1)
			return -1;
	return length;
}

static int send_frames(int fd, char **frames)
{
	static unsigned char frame[MAX_FRAME];
	for (; *frames; frames++) {
		ssize_t length = from_hex(*frames, frame);
		/* ENOBUFS is how the kernel says that a program at the device's egress dropped the frame: the tests count that there. */
		if (length < 0 || (send(fd, frame, length, 0) != length && errno != ENOBUFS))
			return fail("send");
	}
	return 0;
}

static int print_frames(int fd)
{
	static unsigned char frame[MAX_FRAME];
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	ssize_t length;
	puts("ready");
	while ((length = recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &size)) >= 0) {
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		for (ssize_t i = 0; i < length; i++)
			printf("%02x", frame[i]);
		puts("");
	}
	return fail("receive");
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return fprintf(stderr, "usage: test-socket send DEVICE HEX... | listen DEVICE ETHERTYPE\n"), 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	int listens = !strcmp(argv[1], "listen");
	int protocol = listens ? htons(strtoul(argv[3], NULL, 16)) : 0;
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = protocol, .sll_ifindex = if_nametoindex(argv[2])};
	int fd = socket(AF_PACKET, SOCK_RAW, protocol);
	if (fd < 0 || !address.sll_ifindex || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fail(argv[2]);
	return listens ? print_frames(fd) : send_frames(fd, argv + 3);
}
