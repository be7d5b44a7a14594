/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rtsp_reader - the packets of a network camera, read by a thread of their own.
 *
 * Shape       open, then take again and again; the descriptor is readable when
 *             there is something to take. Nothing here decodes.
 *
 *             A thread, because reading blocks: libavformat waits within one
 *             call for an answer, a name server, the rest of a frame. The loop
 *             of ingest beats, answers infer and ends when told in the meantime.
 *             What the two threads share is a queue of packets under one lock.
 *
 * Numbers     Everything has the one deadline timeout_ms: the opening as a whole,
 *             and each frame. A server that says something all the time and
 *             never comes to the point meets it like one that says nothing.
 *             arrived: when the first bytes of a packet's picture came.
 *
 * Owners      close never waits: the thread sees within 100 ms that nobody
 *             is interested any more and frees what they shared. Only while it waits for a
 *             name server may it live on longer; that costs one thread.
 *
 * Errors      take: AGAIN: nothing yet. Anything else is the end of the
 *             connection, after all packets that came before it:
 *             NOENT (host or stream unknown), DENIED (user or password), INVALID (an answer that
 *             is not RTSP, no video, a codec that is not read), IO, NOMEM. The
 *             text is the same for the same reason, and has no secret in it.
 *
 * Limits      HF_RTSP_QUEUE_MAX packets and HF_RTSP_QUEUE_BYTES_MAX wait; when they are
 *             not taken in time all of them are dropped, and the next one
 *             that is taken says so.
 *
 * Sandbox     The thread needs: socket (AF_INET, AF_INET6, AF_UNIX for nscd, AF_NETLINK for
 *             getaddrinfo), connect, bind, setsockopt, getsockopt, getsockname,
 *             getpeername, sendto, sendmsg, sendmmsg, recvfrom, recvmsg, poll, fcntl,
 *             ioctl(FIONREAD), shutdown, uname; eventfd2; clone3 (or clone), mmap, mprotect,
 *             madvise, futex, set_robust_list, rseq, rt_sigprocmask for the thread; and
 *             read access to /etc/{resolv.conf,hosts,nsswitch.conf,host.conf,gai.conf,
 *             services,ssl}, /run/systemd/resolve, /usr/lib (NSS modules, loaded at the
 *             first look-up). A source of type file needs none of the network ones.
 */
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_RTSP_QUEUE_MAX = 128,
	HF_RTSP_QUEUE_BYTES_MAX = 32 << 20,
};

struct AVCodecParameters;
struct AVPacket;
struct hf_rtsp_reader;

struct hf_rtsp_reader_options {
	const char *url;
	const char *name; /* url as it may be shown */
	int64_t timeout_ms;
	bool udp;
};

struct hf_rtsp_packet {
	struct hf_mono arrived;
	int64_t stamp_us; /* HF_ARRIVAL_NO_STAMP: none */
	bool after_gap;   /* packets before it were dropped */
};

/* Connects in the background. NOMEM, LIMIT (no more threads or descriptors). */
enum hf_code hf_rtsp_reader_open(const struct hf_rtsp_reader_options *options,
				 struct hf_rtsp_reader **ret_reader,
				 struct hf_err *err) HF_MUST_CHECK;
void hf_rtsp_reader_close(struct hf_rtsp_reader *reader); /* NULL is fine */

int hf_rtsp_reader_fd(const struct hf_rtsp_reader *reader);
/* Packets, or the end, that wait to be taken. */
unsigned hf_rtsp_reader_waiting(struct hf_rtsp_reader *reader);
/* Valid once a packet was taken, until close. */
const struct AVCodecParameters *hf_rtsp_reader_parameters(struct hf_rtsp_reader *reader);
/* Into packet, which was unreferenced. */
enum hf_code hf_rtsp_reader_take(struct hf_rtsp_reader *reader, struct AVPacket *packet,
				 struct hf_rtsp_packet *ret_about,
				 struct hf_err *err) HF_MUST_CHECK;
