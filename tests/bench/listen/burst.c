/* Sends N frames that open connections, as fast as the link takes them, each from another port or address; prints how many left
 * and how long that took. args: interface destination-mac N. The frames go nowhere: 10.78.9.9 has no machine. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#define LEN 58
#define MANY 64

static uint32_t sum(uint32_t s, const uint8_t *p, int n) { for (; n > 1; n -= 2, p += 2) s += p[0] << 8 | p[1]; return s; }
static void put(uint8_t *p, uint32_t s) { s = (s >> 16) + (s & 0xffff); s += s >> 16; s = ~s; p[0] = s >> 8; p[1] = s; }

int main(int count, char **words) {
	if (count != 4) return 2;
	unsigned m[6]; sscanf(words[2], "%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5);
	long all = atol(words[3]), sent = 0;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(words[1]) };
	int s = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
	if (s < 0 || bind(s, (void *)&to, sizeof to)) { perror("socket"); return 1; }
	setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	static uint8_t frames[MANY][LEN]; struct iovec pieces[MANY]; struct mmsghdr heads[MANY]; memset(heads, 0, sizeof heads);
	const uint8_t ip[20] = { 0x45, 0, 0, 44, 0, 1, 0, 0, 64, 6, 0, 0, 10, 78, 0, 1, 10, 78, 9, 9 };
	const uint8_t tcp[24] = { 0, 0, 1, 187, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 2, 0xfa, 0xf0, 0, 0, 0, 0, 2, 4, 5, 0xb4 };
	for (int i = 0; i < MANY; i++) {
		uint8_t *f = frames[i]; for (int k = 0; k < 6; k++) f[k] = m[k];
		f[6] = 2; f[11] = 1; f[12] = 8; memcpy(f + 14, ip, 20); memcpy(f + 34, tcp, 24);
		pieces[i] = (struct iovec){ f, LEN }; heads[i].msg_hdr.msg_iov = pieces + i; heads[i].msg_hdr.msg_iovlen = 1;
	}
	struct timespec a, b; clock_gettime(CLOCK_MONOTONIC, &a);
	while (sent < all) {
		int n = all - sent < MANY ? all - sent : MANY;
		for (int i = 0; i < n; i++) {
			uint8_t *f = frames[i]; long at = sent + i; int port = 1024 + at % 60000, net = at / 60000;
			f[28] = 1 + net; f[29] = 1; f[34] = port >> 8; f[35] = port;
			f[24] = f[25] = f[50] = f[51] = 0; put(f + 24, sum(0, f + 14, 20)); put(f + 50, sum(sum(6 + 24, f + 26, 8), f + 34, 24));
		}
		int n_sent = sendmmsg(s, heads, n, 0);
		if (n_sent < 0) { if (errno == ENOBUFS || errno == EAGAIN) continue; perror("send"); return 1; }
		sent += n_sent;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%ld %.1f\n", sent, (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6);
}
