/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper_host.h"

#include "base/assert.h"
#include "base/auto.h"
#include "proc/common/worker.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* A worker's links are: the supervisor's, uplink's, and these. */
_Static_assert(KEEPER_HOST_PRODUCERS_MAX - 1 + 2 <= HF_WORKER_LINKS_MAX,
	       "keeper has fewer links than that");

static void close_links(struct keeper_host *host)
{
	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX - 1; i++)
		hf_auto_close(&host->respond[i]);
	hf_auto_close(&host->uplink);
	host->uplink = -1;
	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX - 1; i++)
		host->respond[i] = -1;
}

static enum hf_code plug(const struct keeper_host_options *options, struct keeper_host *host,
			 struct hf_err *err)
{
	enum hf_code code =
		hf_spawn_link_here(&host->child, HF_ROLE_UPLINK, 0, 0, -1, &host->uplink, err);

	for (unsigned i = 0;
	     code == HF_OK && i < options->producers && i < KEEPER_HOST_PRODUCERS_MAX - 1; i++)
		code = hf_spawn_link_here(&host->child, HF_ROLE_RESPOND, i, 0, -1,
					  &host->respond[i], err);
	return code;
}

static enum hf_code spawn(const struct keeper_host_options *options, const struct hf_config *config,
			  struct hf_child *ret_child, struct hf_err *err)
{
	struct hf_hello hello = {
		.role = HF_ROLE_KEEPER,
		.restarts = options->restarts,
		.boot = options->boot,
		.run = options->run,
		.release = "r1",
	};
	int fd;
	enum hf_code code = hf_spawn_config(config, &fd, err);

	if (code != HF_OK)
		return code;
	HF_AUTO_FD config_fd = fd;
	(void)snprintf(hello.boot_id, sizeof hello.boot_id, "%s", options->boot_id);
	(void)snprintf(hello.device_id, sizeof hello.device_id, "%s", options->device_id);
	(void)snprintf(hello.data_path, sizeof hello.data_path, "%s", options->data_path);
	(void)snprintf(hello.run_path, sizeof hello.run_path, "%s", options->run_path);
	return hf_spawn_worker(&(struct hf_spawn){ .path = options->executable,
						   .hello = &hello,
						   .config_fd = config_fd,
						   .stderr_fd = options->stderr_fd },
			       ret_child, err);
}

enum hf_code keeper_host_spawn(const struct keeper_host_options *options,
			       struct keeper_host *ret_host, struct hf_err *err)
{
	struct hf_config *config = NULL;
	enum hf_code code;

	HF_ASSERT(options->producers <= KEEPER_HOST_PRODUCERS_MAX);
	ret_host->child = HF_CHILD_NONE;
	ret_host->producers = options->producers;
	ret_host->uplink = -1;
	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX - 1; i++)
		ret_host->respond[i] = -1;
	if (options->config == NULL) {
		config = malloc(sizeof *config);
		if (config == NULL)
			return hf_fail(err, HF_E_NOMEM, "out of memory");
		hf_config_defaults(config);
	}
	code = spawn(options, config != NULL ? config : options->config, &ret_host->child, err);
	free(config);
	if (code == HF_OK)
		code = plug(options, ret_host, err);
	if (code != HF_OK)
		keeper_host_kill(ret_host);
	return code;
}

enum hf_code keeper_host_ready(struct keeper_host *host, struct hf_err *err)
{
	struct hf_msg msg;
	enum hf_code code = hf_spawn_start(&host->child, err);

	return code != HF_OK ? code
			     : keeper_host_receive(host, host->child.control_fd, HF_MSG_READY,
						   KEEPER_HOST_WAIT_MS, &msg, err);
}

enum hf_code keeper_host_start(const struct keeper_host_options *options,
			       struct keeper_host *ret_host, struct hf_err *err)
{
	enum hf_code code = keeper_host_spawn(options, ret_host, err);

	if (code != HF_OK)
		return code;
	code = keeper_host_ready(ret_host, err);
	if (code != HF_OK)
		keeper_host_kill(ret_host);
	return code;
}

int keeper_host_fd(const struct keeper_host *host, unsigned producer)
{
	HF_ASSERT(producer < host->producers);
	return producer == KEEPER_HOST_PRODUCERS_MAX - 1 ? host->child.control_fd
							 : host->respond[producer];
}

char keeper_host_letter(unsigned producer)
{
	return producer == KEEPER_HOST_PRODUCERS_MAX - 1 ? 's' : 'r';
}

enum hf_code keeper_host_offer(const struct keeper_host *host, unsigned producer,
			       const struct hf_offer *offer, struct hf_err *err)
{
	uint8_t packed[sizeof *offer];

	return hf_msg_send(keeper_host_fd(host, producer), HF_MSG_OFFER, packed,
			   hf_offer_pack(offer, packed), NULL, 0, err);
}

enum hf_code keeper_host_receive(struct keeper_host *host, int fd, enum hf_msg_type type,
				 int wait_ms, struct hf_msg *ret_msg, struct hf_err *err)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	for (;;) {
		enum hf_code code = hf_msg_receive(fd, host->buffer, ret_msg, err);

		if (code == HF_E_AGAIN && wait_ms != 0) {
			if (poll(&wait, 1, wait_ms) == 1)
				continue;
			return hf_fail(err, HF_E_AGAIN, "no %s within %d ms", hf_msg_name(type),
				       wait_ms);
		}
		if (code != HF_OK || ret_msg->type == type)
			return code;
		hf_msg_drop(ret_msg);
	}
}

enum hf_code keeper_host_ack(struct keeper_host *host, unsigned producer, int wait_ms,
			     struct hf_ack *ret_ack, struct hf_err *err)
{
	struct hf_msg msg;
	enum hf_code code = keeper_host_receive(host, keeper_host_fd(host, producer), HF_MSG_ACK,
						wait_ms, &msg, err);

	if (code != HF_OK)
		return code;
	hf_msg_get(&msg, ret_ack, sizeof *ret_ack);
	return hf_msg_end(&msg, err);
}

enum hf_code keeper_host_wait(struct keeper_host *host, struct hf_exit *ret_exit,
			      struct hf_err *err)
{
	struct pollfd wait = { .fd = host->child.pidfd, .events = POLLIN };

	if (poll(&wait, 1, KEEPER_HOST_WAIT_MS) != 1)
		return hf_fail(err, HF_E_AGAIN, "keeper did not end within %d ms",
			       KEEPER_HOST_WAIT_MS);
	enum hf_code code = hf_child_reap(&host->child, ret_exit, err);
	if (code == HF_OK)
		keeper_host_kill(host);
	return code;
}

enum hf_code keeper_host_stop(struct keeper_host *host, struct hf_exit *ret_exit,
			      struct hf_err *err)
{
	hf_child_hang_up(&host->child);
	return keeper_host_wait(host, ret_exit, err);
}

void keeper_host_kill(struct keeper_host *host)
{
	hf_child_close(&host->child);
	close_links(host);
}
