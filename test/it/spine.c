/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spine - a unit without eyes: the real keeper and the real uplink, and in the place of respond
 * and the supervisor this program, which offers what it is told to.
 *
 * Usage    spine KEEPER UPLINK DATA HUB_URL BOOT RUN [HARDWARE]
 *          BOOT and RUN go into origins: RUN must be another one with each start.
 * stdin    commit N          offer N events; {"committed":SEQ} when all have numbers
 *          kill keeper       SIGKILL it; another one is started and linked; likewise uplink
 *          kill keeper US    the same, US microseconds from now
 *          arm keeper US     the same, US microseconds after the next hub_identity_conflict
 *          end of input      both end as they do when their supervisor goes
 * stdout   one JSON object a line: {"ready":true}, {"committed":SEQ}, {"killed":ROLE},
 *          {"note":CLASS}, {"stats":ROLE,"text":{...}}
 *
 * Notes become events of the unit, as the supervisor makes them.
 */
#include "base/auto.h"
#include "base/file.h"
#include "proc/common/spawn.h"
#include "shape/event.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PENDING_MAX = 64,
	PUMP_MS = 20,
};

struct child {
	const char *name;
	const char *path;
	struct hf_child process;
	uint32_t restarts;
	struct hf_mono kill_at; /* zero: not to be killed */
	bool armed;
	int64_t armed_us;
};

struct spine {
	struct hf_config config;
	struct hf_hello hello;
	struct child keeper, uplink;
	int respond;       /* our end of keeper's link to respond */
	uint64_t n, own_n; /* of the last origins */
	uint64_t wanted;   /* offers still to be made */
	bool asked;        /* a commit is to be answered */
	uint64_t last_seq;
	size_t pending_count;
	struct hf_offer pending[PENDING_MAX];
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
	char line[256];
	size_t line_bytes;
	bool ended;
};

static struct hf_err err;

static void must(enum hf_code code, const char *what)
{
	if (code == HF_OK)
		return;
	(void)fprintf(stderr, "spine: %s: %s\n", what, err.text);
	exit(1);
}

static struct hf_mono now_mono(void)
{
	return hf_mono_now(hf_clock_real());
}

static void start_child(struct spine *spine, struct child *child, enum hf_role role)
{
	HF_AUTO_FD config_fd = -1;

	must(hf_spawn_config(&spine->config, &config_fd, &err), "config");
	spine->hello.role = (uint32_t)role;
	spine->hello.restarts = child->restarts++;
	const struct hf_spawn spawn = {
		.path = child->path, .hello = &spine->hello, .config_fd = config_fd, .stderr_fd = -1
	};
	must(hf_spawn_worker(&spawn, &child->process, &err), child->name);
}

static int control_of(const struct spine *spine, const struct hf_offer *offer)
{
	return strstr(offer->origin, ".s.") != NULL ? spine->keeper.process.control_fd
						    : spine->respond;
}

static void send_offer(const struct spine *spine, const struct hf_offer *offer)
{
	uint8_t packed[sizeof *offer];

	/* What does not arrive is offered again to the next keeper. */
	(void)!hf_msg_send(control_of(spine, offer), HF_MSG_OFFER, packed,
			   hf_offer_pack(offer, packed), NULL, 0, &err);
}

static void link_keeper(struct spine *spine)
{
	hf_auto_close(&spine->respond);
	must(hf_spawn_link_here(&spine->keeper.process, HF_ROLE_RESPOND, 0, 0, -1, &spine->respond,
				&err),
	     "link");
}

static void start_both(struct spine *spine)
{
	start_child(spine, &spine->keeper, HF_ROLE_KEEPER);
	start_child(spine, &spine->uplink, HF_ROLE_UPLINK);
	link_keeper(spine);
	must(hf_spawn_link(&spine->keeper.process, &spine->uplink.process, 0, -1, &err), "link");
	must(hf_spawn_start(&spine->keeper.process, &err), "start");
	must(hf_spawn_start(&spine->uplink.process, &err), "start");
}

static void kill_now(struct spine *spine, struct child *child)
{
	bool keeper = child == &spine->keeper;

	child->kill_at = (struct hf_mono){ 0 };
	hf_child_close(&child->process); /* SIGKILL, and waited for */
	start_child(spine, child, keeper ? HF_ROLE_KEEPER : HF_ROLE_UPLINK);
	if (keeper)
		link_keeper(spine);
	must(hf_spawn_link(&spine->keeper.process, &spine->uplink.process, 0, -1, &err), "link");
	must(hf_spawn_start(&child->process, &err), "start");
	if (keeper)
		for (size_t i = 0; i < spine->pending_count; i++)
			send_offer(spine, &spine->pending[i]);
	(void)printf("{\"killed\":\"%s\"}\n", child->name);
}

static void offer(struct spine *spine, const char *event_class, const char *attrs, bool own)
{
	struct hf_event_context context = { .release = "r1" };
	const struct hf_origin origin = { .boot = spine->hello.boot,
					  .run = spine->hello.run,
					  .n = own ? ++spine->own_n : ++spine->n,
					  .producer = own ? 's' : 'r' };
	const struct hf_event event = { .event_class = event_class,
					.captured_wall = hf_wall_now(hf_clock_real()),
					.captured_mono = now_mono(),
					.layout_id = "4x4-std",
					.camera_name = "gate",
					.clock = "synced",
					.attrs = attrs };
	struct hf_offer *made = &spine->pending[spine->pending_count];

	memcpy(context.boot_id, spine->hello.boot_id, sizeof context.boot_id);
	must(hf_offer_make(&event, &context, &origin, made, &err), "offer");
	spine->pending_count++;
	send_offer(spine, made);
}

static void on_ack(struct spine *spine, struct hf_msg *msg)
{
	struct hf_ack ack;
	size_t i = 0;

	hf_msg_get(msg, &ack, sizeof ack);
	while (i < spine->pending_count && strcmp(spine->pending[i].origin, ack.origin) != 0)
		i++;
	if (i == spine->pending_count || ack.outcome != HF_ACK_COMMITTED)
		return;
	spine->pending[i] = spine->pending[--spine->pending_count];
	if (ack.local_seq > spine->last_seq)
		spine->last_seq = ack.local_seq;
}

static void on_note(struct spine *spine, struct hf_msg *msg)
{
	struct hf_note note;

	hf_msg_get(msg, &note, sizeof note);
	(void)printf("{\"note\":\"%s\"}\n", note.event_class);
	for (size_t i = 0; i < 2; i++) {
		struct child *child = i == 0 ? &spine->keeper : &spine->uplink;

		if (!child->armed || strcmp(note.event_class, "hub_identity_conflict") != 0)
			continue;
		child->armed = false;
		child->kill_at = now_mono();
		child->kill_at.us += child->armed_us;
	}
	if (spine->pending_count < PENDING_MAX)
		offer(spine, note.event_class, note.attrs, true);
}

static void receive_all(struct spine *spine, int fd, const char *name)
{
	struct hf_msg msg;

	while (fd >= 0 && hf_msg_receive(fd, spine->buffer, &msg, &err) == HF_OK) {
		if (msg.type == HF_MSG_ACK)
			on_ack(spine, &msg);
		else if (msg.type == HF_MSG_NOTE)
			on_note(spine, &msg);
		else if (msg.type == HF_MSG_STATS)
			(void)printf("{\"stats\":\"%s\",\"text\":%.*s}\n", name,
				     (int)msg.size_bytes, (const char *)msg.body);
		hf_msg_drop(&msg);
	}
}

static void command(struct spine *spine, const char *text)
{
	char what[16], role[16];
	long long number = 0;

	if (sscanf(text, "%15s %15s %lld", what, role, &number) < 2)
		return;
	if (strcmp(what, "commit") == 0) {
		spine->wanted += strtoull(role, NULL, 10);
		spine->asked = true;
	} else {
		struct child *child = strcmp(role, "keeper") == 0 ? &spine->keeper : &spine->uplink;

		child->armed = strcmp(what, "arm") == 0;
		child->armed_us = number;
		child->kill_at = now_mono();
		child->kill_at.us = child->armed ? 0 : child->kill_at.us + number;
	}
}

static void read_commands(struct spine *spine)
{
	ssize_t got = read(STDIN_FILENO, spine->line + spine->line_bytes,
			   sizeof spine->line - 1 - spine->line_bytes);
	char *newline;

	if (got <= 0) {
		spine->ended = true;
		return;
	}
	spine->line_bytes += (size_t)got;
	spine->line[spine->line_bytes] = '\0';
	while ((newline = strchr(spine->line, '\n')) != NULL) {
		*newline = '\0';
		command(spine, spine->line);
		spine->line_bytes -= (size_t)(newline + 1 - spine->line);
		memmove(spine->line, newline + 1, spine->line_bytes + 1);
	}
}

static void kill_due(struct spine *spine, struct child *child)
{
	if (child->kill_at.us != 0 && !hf_mono_before(now_mono(), child->kill_at))
		kill_now(spine, child);
}

static void turn(struct spine *spine)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = spine->keeper.process.control_fd, .events = POLLIN },
		{ .fd = spine->uplink.process.control_fd, .events = POLLIN },
		{ .fd = spine->respond, .events = POLLIN },
	};
	bool hurry = spine->keeper.kill_at.us != 0 || spine->uplink.kill_at.us != 0;

	(void)poll(fds, HF_ARRAY_LEN(fds), hurry ? 0 : PUMP_MS);
	if (fds[0].revents != 0)
		read_commands(spine);
	receive_all(spine, spine->keeper.process.control_fd, "keeper");
	receive_all(spine, spine->uplink.process.control_fd, "uplink");
	receive_all(spine, spine->respond, "keeper");
	while (spine->wanted > 0 && spine->pending_count < PENDING_MAX / 2) {
		spine->wanted--;
		offer(spine, "pre_action_zone_entry", "{}", false);
	}
	if (spine->asked && spine->wanted == 0 && spine->pending_count == 0) {
		spine->asked = false;
		(void)printf("{\"committed\":%" PRIu64 "}\n", spine->last_seq);
	}
	kill_due(spine, &spine->keeper);
	kill_due(spine, &spine->uplink);
}

static void wait_end(struct hf_child *process)
{
	struct pollfd ended = { .fd = process->pidfd, .events = POLLIN };

	hf_child_hang_up(process);
	(void)poll(&ended, 1, 10000);
	hf_child_close(process);
}

static void set_up(struct spine *spine, char **argv, int argc)
{
	struct hf_hello *hello = &spine->hello;

	spine->keeper = (struct child){ .name = "keeper", .path = argv[1] };
	spine->uplink = (struct child){ .name = "uplink", .path = argv[2] };
	spine->keeper.process = spine->uplink.process = HF_CHILD_NONE;
	spine->respond = -1;
	hello->boot = strtoull(argv[5], NULL, 10);
	hello->run = strtoull(argv[6], NULL, 10);
	(void)snprintf(hello->boot_id, sizeof hello->boot_id, "%08x-0000-4000-8000-%012x",
		       (unsigned)hello->boot, (unsigned)hello->run);
	(void)snprintf(hello->device_id, sizeof hello->device_id, "spine");
	(void)snprintf(hello->release, sizeof hello->release, "r1");
	(void)snprintf(hello->data_path, sizeof hello->data_path, "%s", argv[3]);
	(void)snprintf(hello->run_path, sizeof hello->run_path, "%s", argv[3]);
	(void)snprintf(hello->hardware, sizeof hello->hardware, "%s", argc > 7 ? argv[7] : "");
	hf_config_defaults(&spine->config);
	(void)snprintf(spine->config.hub_url, sizeof spine->config.hub_url, "%s", argv[4]);
	spine->config.hub_backoff_min_ms = 200;
	spine->config.hub_backoff_max_ms = 1000;
}

int main(int argc, char **argv)
{
	static struct spine spine;

	if (argc < 7) {
		(void)fprintf(stderr,
			      "usage: spine KEEPER UPLINK DATA HUB_URL BOOT RUN [HARDWARE]\n");
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	set_up(&spine, argv, argc);
	must(hf_folder_make(argv[3], 0750, &err), "folder");
	start_both(&spine);
	(void)printf("{\"ready\":true}\n");
	while (!spine.ended)
		turn(&spine);
	wait_end(&spine.uplink.process);
	wait_end(&spine.keeper.process);
	hf_auto_close(&spine.respond);
	return 0;
}
