/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may what. What is read and written here is all that a role may; what it needs beyond that
 * is in its descriptors by then.
 */
#include "proc/common/sandbox.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/file.h"
#include "shape/actuation.h"

#include <limits.h>
#include <string.h>

/* What every program of the machine may read; its libraries look at it when they please. */
static const char *const public[] = {
	"/usr",
	"/lib",
	"/lib64",
	"/etc/ld.so.cache",
	"/sys/devices/system",
	"/proc/cpuinfo",
	"/proc/meminfo",
	"/proc/stat",
	"/proc/sys/vm/overcommit_memory",
	"/dev/null",
	"/dev/urandom",
};

/* Names of hosts, and whom to trust. */
static const char *const of_network[] = {
	"/etc/ssl",      "/etc/ca-certificates", "/etc/pki",
	"/etc/gnutls",   "/etc/services",        "/etc/protocols",
	"/etc/networks", "/run/NetworkManager",  "/run/connman",
	"/run/nscd",     "/run/resolvconf",      "/run/systemd/resolve",
};
/* Replaced by whoever leads the network, at any time; after those above. */
static const char *const of_network_changing[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
};

static void begin(const char *name, unsigned traits, struct hf_sandbox *ret_sandbox)
{
	hf_sandbox_begin(name, traits, ret_sandbox);
	for (size_t i = 0; i < HF_ARRAY_LEN(public); i++)
		hf_sandbox_allow(ret_sandbox, public[i], HF_SANDBOX_READ);
	if ((traits & HF_SANDBOX_NETWORK) == 0)
		return;
	for (size_t i = 0; i < HF_ARRAY_LEN(of_network); i++)
		hf_sandbox_allow(ret_sandbox, of_network[i], HF_SANDBOX_READ);
	for (size_t i = 0; i < HF_ARRAY_LEN(of_network_changing); i++)
		hf_sandbox_watch(ret_sandbox, of_network_changing[i], HF_SANDBOX_READ);
}

/* The folder in which a file lies, so that it may be replaced; not that of one in "/". */
static void allow_folder_of(struct hf_sandbox *sandbox, const char *path)
{
	char folder[HF_PATH_BYTES];
	const char *slash = strrchr(path, '/');

	if (slash == path)
		return;
	(void)snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) : 1,
		       slash != NULL ? path : ".");
	hf_sandbox_watch(sandbox, folder, HF_SANDBOX_READ);
}

static void for_file_source(const char *path, struct hf_sandbox *ret_sandbox)
{
	char real[PATH_MAX];

	begin("ingest.file", 0, ret_sandbox);
	allow_folder_of(ret_sandbox, path);
	/* A link leads elsewhere: there, too; and one day to a third place. */
	if (realpath(path, real) != NULL && strlen(real) < HF_PATH_BYTES)
		allow_folder_of(ret_sandbox, real);
	hf_sandbox_watch(ret_sandbox, path, HF_SANDBOX_READ);
}

static void for_ingest(const struct hf_config_source *source, struct hf_sandbox *ret_sandbox)
{
	switch ((enum hf_source_type)source->type) {
	case HF_SOURCE_FILE:
		for_file_source(source->url, ret_sandbox);
		return;
	case HF_SOURCE_V4L2:
		begin("ingest.v4l2", HF_SANDBOX_CAMERA, ret_sandbox);
		hf_sandbox_allow(ret_sandbox, "/sys", HF_SANDBOX_READ);
		hf_sandbox_allow(ret_sandbox, "/dev", HF_SANDBOX_LIST);
		/* A grabber that is plugged in again is another node. */
		hf_sandbox_watch(ret_sandbox, source->url, HF_SANDBOX_DEVICE);
		return;
	case HF_SOURCE_RTSP:
		begin("ingest.rtsp", HF_SANDBOX_NETWORK, ret_sandbox);
		return;
	}
}

static void for_infer(const struct hf_hello *hello, const struct hf_config *config,
		      struct hf_sandbox *ret_sandbox)
{
	begin("infer", 0, ret_sandbox);
	hf_sandbox_allow(ret_sandbox, hello->share_path, HF_SANDBOX_READ);
	hf_sandbox_allow(ret_sandbox, config->model_path, HF_SANDBOX_READ);
}

/* The one folder of the data folder that a worker writes. That it cannot be made (the disk is
 * full) is found, and told, by who needs it. */
static void allow_own_folder(const struct hf_hello *hello, const char *name,
			     struct hf_sandbox *sandbox)
{
	char path[HF_PATH_BYTES + 16];
	struct hf_err ignored;

	if (hello->data_path[0] == '\0') /* nothing is to be stored */
		return;
	(void)snprintf(path, sizeof path, "%s/%s", hello->data_path, name);
	(void)!hf_folder_make(path, 0750, &ignored);
	hf_sandbox_watch(sandbox, path, HF_SANDBOX_WRITE);
}

static void for_respond(const struct hf_hello *hello, struct hf_sandbox *ret_sandbox)
{
	begin("respond", HF_SANDBOX_WRITES, ret_sandbox);
	hf_sandbox_watch(ret_sandbox, "/etc/localtime", HF_SANDBOX_READ);
	if (hello->data_path[0] != '\0')
		allow_own_folder(hello, "thumbs", ret_sandbox);
}

static void for_keeper(const struct hf_hello *hello, struct hf_sandbox *ret_sandbox)
{
	begin("keeper", HF_SANDBOX_WRITES, ret_sandbox);
	hf_sandbox_allow(ret_sandbox, hello->data_path, HF_SANDBOX_WRITE);
	hf_sandbox_allow(ret_sandbox, hello->run_path, HF_SANDBOX_WRITE);
}

static void for_uplink(const struct hf_hello *hello, const struct hf_config *config,
		       struct hf_sandbox *ret_sandbox)
{
	begin("uplink", HF_SANDBOX_NETWORK | HF_SANDBOX_WRITES, ret_sandbox);
	hf_sandbox_allow(ret_sandbox, hello->data_path, HF_SANDBOX_READ);
	hf_sandbox_allow(ret_sandbox, hello->run_path, HF_SANDBOX_READ);
	allow_own_folder(hello, "meta", ret_sandbox);
	allow_own_folder(hello, "identity/receipts", ret_sandbox);
	hf_sandbox_watch(ret_sandbox, config->hub_token_file, HF_SANDBOX_READ);
	hf_sandbox_watch(ret_sandbox, config->hub_ca_file, HF_SANDBOX_READ);
}

/* It reads no foreign byte. A relay's program is the operator's: it may need any device, the
 * network, files of its own, and the walls of this process would be its own, too. */
static void for_actuate(const struct hf_config *config, struct hf_sandbox *ret_sandbox)
{
	char path[sizeof "/dev/" + HF_GPIO_CHIP_BYTES];
	struct hf_gpio_line line;
	struct hf_err ignored;

	if (config->actuation_command[0] != '\0') {
		begin("actuate.command", HF_SANDBOX_COMMANDS, ret_sandbox);
		return;
	}
	begin("actuate.gpio", HF_SANDBOX_GPIO, ret_sandbox);
	if (hf_gpio_line_parse(config->actuation_gpio, &line, &ignored) != HF_OK)
		return;
	(void)snprintf(path, sizeof path, "/dev/%s", line.chip);
	hf_sandbox_watch(ret_sandbox, path, HF_SANDBOX_DEVICE);
}

void hf_sandbox_for(const struct hf_hello *hello, const struct hf_config *config,
		    struct hf_sandbox *ret_sandbox)
{
	switch ((enum hf_role)hello->role) {
	case HF_ROLE_INGEST:
		HF_ASSERT(hello->index < config->source_count);
		for_ingest(&config->sources[hello->index], ret_sandbox);
		return;
	case HF_ROLE_INFER:
		for_infer(hello, config, ret_sandbox);
		return;
	case HF_ROLE_RESPOND:
		for_respond(hello, ret_sandbox);
		return;
	case HF_ROLE_KEEPER:
		for_keeper(hello, ret_sandbox);
		return;
	case HF_ROLE_UPLINK:
		for_uplink(hello, config, ret_sandbox);
		return;
	case HF_ROLE_ACTUATE:
		for_actuate(config, ret_sandbox);
		return;
	case HF_ROLE_SUPERVISOR:
	case HF_ROLE_CTL:
	case HF_ROLE_COUNT:
		break;
	}
	HF_ASSERT(hello->role != HF_ROLE_SUPERVISOR && hello->role != HF_ROLE_CTL &&
		  hello->role < HF_ROLE_COUNT);
}

void hf_sandbox_worker(const struct hf_hello *hello, const struct hf_config *config,
		       struct hf_sandbox *ret_sandbox)
{
	hf_sandbox_for(hello, config, ret_sandbox);
	hf_sandbox_enter(ret_sandbox);
	hf_sandbox_log(ret_sandbox);
}

void hf_sandbox_for_config(const char *path, struct hf_sandbox *ret_sandbox)
{
	begin("config", 0, ret_sandbox);
	hf_sandbox_allow(ret_sandbox, path, HF_SANDBOX_READ);
}

void hf_sandbox_for_paint(const char *clip, const char *out, struct hf_sandbox *ret_sandbox)
{
	begin("paint", HF_SANDBOX_WRITES, ret_sandbox);
	hf_sandbox_allow(ret_sandbox, clip, HF_SANDBOX_READ);
	hf_sandbox_allow(ret_sandbox, out, HF_SANDBOX_WRITE);
	hf_sandbox_allow(ret_sandbox, "/etc/fonts", HF_SANDBOX_READ);
	hf_sandbox_allow(ret_sandbox, "/var/cache/fontconfig", HF_SANDBOX_READ);
}
