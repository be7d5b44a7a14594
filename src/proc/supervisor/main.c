/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfastd - runs the unit: starts the workers, links them, watches them, restarts them, and
 * can say at any moment which state the unit is in and why.
 *
 * What may go wrong before the first worker runs ends the program with a sentence on stderr;
 * after that nothing but a signal does.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "build_id.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>

enum {
	TICK_US = GOVERN_TICK_MS * 1000,
	EXIT_USAGE = 2,
	EXIT_LATER = 75, /* another holdfastd holds the data folder */
};

static const char usage[] =
	"holdfastd - watches cameras and keeps its promises when the box misbehaves\n"
	"\n"
	"  holdfastd --config FILE [--data DIR] [--run DIR]   run in the foreground\n"
	"  holdfastd --check FILE                             check everything, start nothing\n"
	"\n"
	"  -c, --config FILE  the configuration (default /etc/holdfast/holdfast.yaml);\n"
	"                     `holdfast config example` prints one with every setting explained\n"
	"  -d, --data DIR     events, thumbnails, identity (default /var/lib/holdfast)\n"
	"  -r, --run DIR      sockets of this run (default DATA/run)\n"
	"      --check FILE   do all that start does but act; says what is wrong and where\n"
	"  -h, --help         this text\n"
	"  -V, --version      the build\n"
	"\n"
	"The log goes to stderr (HOLDFAST_LOG=error|warn|info|debug). `holdfast status` asks a\n"
	"running unit how it is. Ends cleanly on SIGTERM, SIGINT and SIGHUP.\n"
	"\n"
	"Exit: 0 ended when told to, 1 could not start, 2 wrong usage or configuration,\n"
	"75 the data folder is in use by another holdfastd.\n";

struct arguments {
	const char *config_path;
	const char *data_path;
	const char *run_path;
	bool check;
};

/* -1: go on; otherwise the exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *ret_arguments)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "data", required_argument, NULL, 'd' },
		{ "run", required_argument, NULL, 'r' },
		{ "check", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*ret_arguments = (struct arguments){ .config_path = "/etc/holdfast/holdfast.yaml",
					     .data_path = "/var/lib/holdfast" };
	while ((option = getopt_long(argc, argv, "c:d:r:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			ret_arguments->config_path = optarg;
			break;
		case 'd':
			ret_arguments->data_path = optarg;
			break;
		case 'r':
			ret_arguments->run_path = optarg;
			break;
		case 'k':
			ret_arguments->config_path = optarg;
			ret_arguments->check = true;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return 0;
		case 'V':
			(void)puts("holdfastd " HF_BUILD_ID);
			return 0;
		default:
			(void)fputs("try holdfastd --help\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "holdfastd: unexpected \"%s\"; try holdfastd --help\n",
			      argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static int exit_status_of(enum hf_code code)
{
	return code == HF_E_INVALID ? EXIT_USAGE : code == HF_E_AGAIN ? EXIT_LATER : 1;
}

static int complain(enum hf_code code, const struct hf_err *err)
{
	(void)fprintf(stderr, "holdfastd: %s\n", err->text);
	return exit_status_of(code);
}

static int check_only(const struct arguments *arguments)
{
	struct settings settings;
	struct hf_config config;
	struct hf_policy policy;
	struct hf_err err = { 0 };

	enum hf_code code = settings_find(arguments->config_path, arguments->data_path,
					  arguments->run_path, &settings, &err);
	if (code == HF_OK)
		code = settings_read_config(&settings, &config, &err);
	if (code == HF_OK)
		code = settings_read_policy(&settings, &config, &policy, &err);
	if (code == HF_OK)
		code = settings_check_parts(&settings, &err);
	if (code != HF_OK)
		return complain(code, &err);
	if (!try_parts(&settings, &config))
		return 1;
	(void)printf("%s is fine: %u source%s, %u camera%s, %u zone%s, %lld detector%s, policy %s, "
		     "%s\n",
		     settings.config_path, config.source_count, config.source_count == 1 ? "" : "s",
		     config.camera_count, config.camera_count == 1 ? "" : "s", config.zone_count,
		     config.zone_count == 1 ? "" : "s", (long long)config.infer_workers,
		     config.infer_workers == 1 ? "" : "s", policy.name,
		     config.hub_url[0] != '\0' ? config.hub_url : "no hub");
	return 0;
}

/* While the unit may decide. Once it is told to end no more: what is on goes off. */
static void renew_lease(struct supervisor *supervisor)
{
	const struct hf_unit unit = govern_unit(supervisor);
	bool may = !supervisor->stopping && unit.observe_only == 0;

	lease_renew(&supervisor->lease, may, unit.cameras_held, hf_mono_now(supervisor->clock));
}

static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
	struct supervisor *supervisor = data;

	(void)usec;
	children_tick(supervisor);
	readings_look(&supervisor->governor->readings, "", supervisor->data.path,
		      supervisor->clock);
	govern(supervisor);
	renew_lease(supervisor);
	keep_tick(supervisor);
	send_offers(supervisor);
	if (supervisor->stopping && children_stop_step(supervisor))
		return sd_event_exit(supervisor->loop, 0);
	(void)sd_notify(0, "WATCHDOG=1");
	if (sd_event_source_set_time_relative(source, TICK_US) < 0 ||
	    sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
		return sd_event_exit(supervisor->loop, 1);
	return 0;
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct supervisor *supervisor = data;

	(void)source;
	if (supervisor->stopping)
		return 0;
	hf_log(HF_LOG_INFO, "stopping", "signal=%u", info->ssi_signo);
	supervisor->stopping = true;
	(void)sd_notify(0, "STOPPING=1");
	return 0;
}

/* A terminal that is closed ends the unit cleanly, unless nohup asked that it does not. */
static bool ends_with_terminal(void)
{
	struct sigaction action;

	return sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler != SIG_IGN;
}

static enum hf_code open_loop(struct supervisor *supervisor, struct hf_err *err)
{
	const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };
	const size_t count = HF_ARRAY_LEN(stop_signals) - (ends_with_terminal() ? 0 : 1);
	sigset_t signals;

	(void)sigemptyset(&signals);
	for (size_t i = 0; i < count; i++)
		(void)sigaddset(&signals, stop_signals[i]);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);

	int result = sd_event_new(&supervisor->loop);
	for (size_t i = 0; i < count && result >= 0; i++)
		result = sd_event_add_signal(supervisor->loop, NULL, stop_signals[i],
					     on_stop_signal, supervisor);
	if (result >= 0)
		result = sd_event_add_time_relative(supervisor->loop, NULL, CLOCK_MONOTONIC,
						    TICK_US, 1000, on_tick, supervisor);
	if (result < 0)
		return hf_fail(err, hf_code_of_errno(-result), "make the event loop: %s",
			       strerror(-result));
	return HF_OK;
}

/* Which unit and which start of it this is; what is odd about the medium is told at once. */
static enum hf_code know_thyself(struct supervisor *supervisor, struct hf_err *err)
{
	const struct hf_identity_options options = { .data_path = supervisor->data.path,
						     .config_id = supervisor->config.device_id,
						     .root = "",
						     .random = hf_random_real() };
	const struct hf_data *data = &supervisor->data;

	if (data->full)
		hf_log(HF_LOG_ERROR, "disk_full",
		       "data=%s: watching goes on, events cannot be stored; free some space",
		       data->path);
	if (data->medium_warning != NULL)
		hf_log(HF_LOG_WARN, "data_on_doubtful_medium", "data=%s file_system=%s: %s",
		       data->path, data->file_system, data->medium_warning);
	enum hf_code code = hf_identity_open(&options, &supervisor->identity, err);
	if (code != HF_OK)
		return code;
	for (unsigned i = 0; i < supervisor->identity.warning_count; i++)
		hf_log(HF_LOG_WARN, "identity", "%s", supervisor->identity.warnings[i]);
	return HF_OK;
}

static enum hf_code open_governor(struct supervisor *supervisor, struct hf_err *err)
{
	struct governor *governor = supervisor->governor;
	enum hf_code code = settings_read_policy(&supervisor->settings, &supervisor->config,
						 &governor->policy, err);

	if (code != HF_OK)
		return code;
	actions_available(supervisor, &governor->policy);
	governor->state_since = supervisor->started;
	governor->out.state = HF_STATE_RECOVERING;
	readings_open(&governor->readings, supervisor->started);
	governor->trace = trace_open(supervisor);
	keep_open(supervisor);
	return HF_OK;
}

static enum hf_code prepare(struct supervisor *supervisor, const struct arguments *arguments,
			    struct hf_err *err)
{
	supervisor->clock = hf_clock_real();
	supervisor->started = hf_mono_now(supervisor->clock);
	supervisor->control_fd = -1;
	supervisor->config_fd = -1;
	supervisor->lease.fd = -1;
	supervisor->data.lock_fd = -1;
	enum hf_code code = settings_find(arguments->config_path, arguments->data_path,
					  arguments->run_path, &supervisor->settings, err);
	if (code == HF_OK)
		code = settings_read_config(&supervisor->settings, &supervisor->config, err);
	if (code == HF_OK)
		code = hf_spawn_config(&supervisor->config, &supervisor->config_fd, err);
	if (code == HF_OK)
		code = hf_data_open(supervisor->settings.data_path, &supervisor->data, err);
	if (code == HF_OK)
		code = hf_folder_make(supervisor->settings.run_path, 0750, err);
	if (code == HF_OK)
		code = keep_find(supervisor, err);
	if (code == HF_OK)
		code = know_thyself(supervisor, err);
	if (code == HF_OK)
		code = settings_make_generation(&supervisor->settings, supervisor->identity.run,
						err);
	if (code != HF_OK)
		return code;

	(void)snprintf(supervisor->context.boot_id, sizeof supervisor->context.boot_id, "%s",
		       supervisor->identity.boot_id);
	(void)snprintf(supervisor->context.release, sizeof supervisor->context.release, "%s",
		       HF_BUILD_ID);
	supervisor->offers = offers_new(&supervisor->context, supervisor->identity.boot,
					supervisor->identity.run);
	if (supervisor->offers == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	supervisor->saved = saved_open(supervisor->settings.run_path, supervisor->identity.boot_id);
	code = lease_open(&supervisor->config, &supervisor->lease, err);
	if (code == HF_OK)
		code = open_loop(supervisor, err);
	if (code == HF_OK)
		code = open_governor(supervisor, err);
	if (code == HF_OK)
		code = control_open(supervisor, err);
	return code;
}

static void announce(struct supervisor *supervisor)
{
	char attrs[256];

	const char *hardware = supervisor->identity.hardware;
	/* Without one a cloned card is noticed at the hub only. */
	hf_log(HF_LOG_INFO, "unit_started",
	       "device=%s hardware=%s boot=%llu run=%llu release=%s data=%s",
	       supervisor->identity.device_id, hardware[0] != '\0' ? hardware : "unnamed",
	       (unsigned long long)supervisor->identity.boot,
	       (unsigned long long)supervisor->identity.run, supervisor->context.release,
	       supervisor->settings.data_path);
	(void)snprintf(attrs, sizeof attrs,
		       "{\"boot\":%llu,\"run\":%llu,\"sources\":%u,\"cameras\":%u,\"zones\":%u}",
		       (unsigned long long)supervisor->identity.boot,
		       (unsigned long long)supervisor->identity.run,
		       supervisor->config.source_count, supervisor->config.camera_count,
		       supervisor->config.zone_count);
	raise_event(supervisor, "unit_started", NULL, attrs);
}

static void finish(struct supervisor *supervisor)
{
	children_close(supervisor);
	resets_close(supervisor);
	/* A source that is kept keeps the loop. */
	(void)sd_event_source_disable_unref(supervisor->governor->timer);
	reload_close(supervisor);
	trace_close(supervisor->governor->trace);
	keep_close(supervisor, supervisor->stopping);
	offers_free(supervisor->offers);
	saved_close(&supervisor->saved);
	lease_close(&supervisor->lease);
	hf_data_close(&supervisor->data);
	control_close(supervisor);
	(void)sd_event_unref(supervisor->loop);
	if (supervisor->config_fd >= 0)
		(void)close(supervisor->config_fd);
	free(supervisor->governor);
	free(supervisor);
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct hf_err err = { 0 };
	int status = parse_arguments(argc, argv, &arguments);

	if (status >= 0)
		return status;
	hf_log_open("holdfastd");
	/* Some parents leave it ignored; then the kernel would reap the workers behind our back. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (arguments.check)
		return check_only(&arguments);

	struct supervisor *supervisor = calloc(1, sizeof *supervisor);
	if (supervisor != NULL)
		supervisor->governor = calloc(1, sizeof *supervisor->governor);
	if (supervisor == NULL || supervisor->governor == NULL) {
		(void)fputs("holdfastd: out of memory\n", stderr);
		return 1;
	}
	enum hf_code code = prepare(supervisor, &arguments, &err);
	if (code != HF_OK) {
		finish(supervisor);
		return complain(code, &err);
	}
	announce(supervisor);
	resets_open(supervisor);
	children_start(supervisor);
	/* Up means: it watches and can say how it is. A camera that is away must not keep the
	 * service manager waiting until it gives up on a unit that works. */
	(void)sd_notify(0, "READY=1");
	status = sd_event_loop(supervisor->loop);
	hf_log(HF_LOG_INFO, "stopped", "status=%d", status);
	finish(supervisor);
	return status < 0 ? 1 : status;
}
