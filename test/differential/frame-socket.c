/* Raw frames with what a virtio guest says of them (struct virtio_net_hdr: checksums to fill in, super-frames).
 *   frame-socket send DEVICE MARK     sends each line of its input: hex digits of header and frame; prints the numbers of those that the
 *                                     kernel refused, from 0 on
 *   frame-socket listen DEVICE        says "ready", then prints each frame that comes in: gso_size, VLAN tag or -, hex digits of the frame
 *   frame-socket tap DEVICE           makes the TAP device, and is the guest behind it: sends its input, prints what comes, as above
 * A checksum that is still to be filled in is filled in before a frame is printed: so frames are equal when their receivers see the same. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = sizeof(struct virtio_net_hdr), MAX_FRAME = 70000, QUEUE_BYTES = 64 << 20 };
static unsigned char buffer[MAX_FRAME];

static int fail(const char *what)
{
	fprintf(stderr, "frame-socket: %s: %s\n", what, strerror(errno));
	return 1;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t from_hex(const char *text)
{
	size_t bytes = 0;
	for (; bytes < MAX_FRAME && digit(text[0]) >= 0 && digit(text[1]) >= 0; text += 2)
		buffer[bytes++] = digit(text[0]) << 4 | digit(text[1]);
	return bytes;
}

static void print_hex(const unsigned char *bytes, size_t count)
{
	static char text[2 * MAX_FRAME + 1];
	for (size_t i = 0; i < count; i++) {
		text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	text[2 * count] = 0;
	puts(text);
}

static int send_frames(int fd)
{
	char *line = NULL;
	size_t room = 0;
	for (unsigned long number = 0; getline(&line, &room, stdin) > 0; number++) {
		size_t bytes = from_hex(line);
		/* ENOBUFS is how the kernel says that a program at the device's egress dropped the frame. */
		if (send(fd, buffer, bytes, 0) < 0 && errno != ENOBUFS)
			printf("%lu\n", number);
	}
	return 0;
}

static void fill_in_checksum(const struct virtio_net_hdr *header, unsigned char *frame, size_t bytes)
{
	size_t at = header->csum_start + header->csum_offset;
	if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || at + 2 > bytes)
		return;
	unsigned long sum = 0;
	for (size_t i = header->csum_start; i < bytes; i++)
		sum += (i - header->csum_start) & 1 ? frame[i] : frame[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	if (!sum)
		sum = 0xffff;
	frame[at] = sum >> 8, frame[at + 1] = sum;
}

static void print_frame(ssize_t bytes, const char *tag)
{
	struct virtio_net_hdr header;
	memcpy(&header, buffer, HEADER);
	if (!header.gso_size)
		fill_in_checksum(&header, buffer + HEADER, bytes - HEADER);
	printf("%u %s ", header.gso_size, tag);
	print_hex(buffer + HEADER, bytes - HEADER);
}

static int print_frames(int fd)
{
	static unsigned char control[256];
	puts("ready");
	for (;;) {
		struct sockaddr_ll from;
		struct iovec data = {buffer, sizeof(buffer)};
		struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &data, .msg_iovlen = 1,
					 .msg_control = control, .msg_controllen = sizeof(control)};
		ssize_t bytes = recvmsg(fd, &message, 0);
		if (bytes < 0)
			return fail("receive");
		if (from.sll_pkttype == PACKET_OUTGOING || bytes < HEADER)
			continue;
		struct cmsghdr *aux = CMSG_FIRSTHDR(&message);
		struct tpacket_auxdata *said = aux ? (void *)CMSG_DATA(aux) : NULL;
		char tag[8] = "-";
		if (said && said->tp_status & TP_STATUS_VLAN_VALID)
			snprintf(tag, sizeof(tag), "%04x", said->tp_vlan_tci);
		print_frame(bytes, tag);
	}
}

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20 /* since Linux 6.2 */
#define TUN_F_USO6 0x40
#endif

/* As QEMU opens it: the guest takes super-frames, and frames without a checksum. */
static int open_tap(const char *device)
{
	unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6;
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	int fd = open("/dev/net/tun", O_RDWR);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		return -1;
	if (ioctl(fd, TUNSETOFFLOAD, offloads) && ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6))
		return -1;
	return fd;
}

static int write_frames(int fd)
{
	char *line = NULL;
	size_t room = 0;
	while (getline(&line, &room, stdin) > 0)
		if (write(fd, buffer, from_hex(line)) < 0)
			return fail("write");
	return 0;
}

static int be_guest(int fd)
{
	pid_t parent = getpid();
	puts("ready");
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return getppid() == parent ? write_frames(fd) : 0;
	}
	for (;;) {
		ssize_t bytes = read(fd, buffer, sizeof(buffer));
		if (bytes < HEADER)
			return fail("read");
		print_frame(bytes, "-");
	}
}

int main(int words, char **word)
{
	if (words < 3)
		return fprintf(stderr, "usage: frame-socket send DEVICE MARK | listen DEVICE | tap DEVICE\n"), 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(word[1], "tap")) {
		int tap = open_tap(word[2]);
		return tap < 0 ? fail(word[2]) : be_guest(tap);
	}
	int listens = !strcmp(word[1], "listen"), on = 1, queue = QUEUE_BYTES;
	int protocol = listens ? htons(ETH_P_ALL) : 0;
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = protocol, .sll_ifindex = if_nametoindex(word[2])};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || !address.sll_ifindex || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		return fail(word[2]);
	unsigned mark = words > 3 ? strtoul(word[3], NULL, 10) : 0;
	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
		return fail("mark");
	if (listens && (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
			setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue))))
		return fail("queue");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fail("bind");
	return listens ? print_frames(fd) : send_frames(fd);
}
