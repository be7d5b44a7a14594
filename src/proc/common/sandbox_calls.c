/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a list of what is allowed. What is not on it does not exist (ENOSYS), so that a C
 * library which learns a new call goes back to the old one instead of failing. A filter sees
 * numbers, not memory: what hides its arguments in memory (openat2, clone3) is not on the list.
 *
 * Rules that refuse or kill are for those whose default would mislead: an allowed call with other
 * arguments, and what nobody does by mistake. None of them is relied upon: to slip past one (by
 * the upper half of an int, say) is to fall to the default.
 */
#include "proc/common/sandbox_calls.h"

#include "base/auto.h"
#include "proc/common/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BUILT_WITH_SANITIZER true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILT_WITH_SANITIZER true
#endif
#ifndef BUILT_WITH_SANITIZER
#define BUILT_WITH_SANITIZER false
#endif

static const bool with_sanitizer = BUILT_WITH_SANITIZER;

enum when {
	ALWAYS,
	NETWORK,
	WRITES,
	SANITIZER,
	TRACE,
	LETHAL,
};

static const struct call {
	const char *name;
	enum when when;
} calls[] = {
#define HF_CALL(name, when) { #name, when },
#include "proc/common/sandbox_tbl.h"
};

/* A call of which the arguments decide. The first that fails is kept; zero: none did. */
struct filter {
	scmp_filter_ctx context;
	int error;
};

static void add(struct filter *filter, uint32_t action, const char *name, unsigned count,
		const struct scmp_arg_cmp *arguments)
{
	int number = seccomp_syscall_resolve_name(name);

	/* Not of this architecture, or younger than the library. */
	if (number < 0 || filter->error != 0)
		return;
	filter->error = -seccomp_rule_add_array(filter->context, action, number, count, arguments);
}

static void add_if(struct filter *filter, uint32_t action, const char *name,
		   struct scmp_arg_cmp argument)
{
	add(filter, action, name, 1, &argument);
}

static struct scmp_arg_cmp equal(unsigned argument, uint64_t value)
{
	return (struct scmp_arg_cmp){ .arg = argument, .op = SCMP_CMP_EQ, .datum_a = value };
}

static struct scmp_arg_cmp masked(unsigned argument, uint64_t mask, uint64_t value)
{
	return (struct scmp_arg_cmp){
		.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value
	};
}

/* Allow the call where the argument, masked, is one of the values. */
static void add_choice(struct filter *filter, const char *name, unsigned argument, uint64_t mask,
		       size_t count, const uint64_t *values)
{
	for (size_t i = 0; i < count; i++)
		add_if(filter, SCMP_ACT_ALLOW, name, masked(argument, mask, values[i]));
}

/* For who starts programs that nobody here knows: what neither it nor they may do. */
static void add_lethal(struct filter *filter)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(calls); i++)
		if ((calls[i].when == LETHAL && strncmp(calls[i].name, "execve", 6) != 0) ||
		    (calls[i].when == TRACE && !with_sanitizer))
			add(filter, SCMP_ACT_KILL_PROCESS, calls[i].name, 0, NULL);
}

static void add_table(struct filter *filter, unsigned traits)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(calls); i++) {
		uint32_t action = SCMP_ACT_ALLOW;
		enum when when = calls[i].when;

		if ((when == NETWORK && (traits & HF_SANDBOX_NETWORK) == 0) ||
		    (when == WRITES && (traits & HF_SANDBOX_WRITES) == 0) ||
		    (when == SANITIZER && !with_sanitizer))
			action = SCMP_ACT_ERRNO(EPERM);
		else if (when == LETHAL || (when == TRACE && !with_sanitizer))
			action = SCMP_ACT_KILL_PROCESS;
		add(filter, action, calls[i].name, 0, NULL);
	}
}

/* Landlock knows where, this knows whether: it holds where Landlock does not, too. */
static void add_open(struct filter *filter, const char *name, unsigned argument, unsigned traits)
{
	const uint64_t mask = O_ACCMODE | O_CREAT | O_TRUNC;
	const uint64_t refused[] = { O_WRONLY, O_ACCMODE };

	if ((traits & HF_SANDBOX_WRITES) != 0) {
		add(filter, SCMP_ACT_ALLOW, name, 0, NULL);
		return;
	}
	add_if(filter, SCMP_ACT_ALLOW, name, masked(argument, mask, O_RDONLY));
	bool device = (traits & (HF_SANDBOX_CAMERA | HF_SANDBOX_GPIO)) != 0;
	add_if(filter, device ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), name,
	       masked(argument, mask, O_RDWR));
	for (size_t i = 0; i < HF_ARRAY_LEN(refused); i++)
		add_if(filter, SCMP_ACT_ERRNO(EACCES), name, masked(argument, mask, refused[i]));
	add_if(filter, SCMP_ACT_ERRNO(EACCES), name, masked(argument, O_CREAT, O_CREAT));
	add_if(filter, SCMP_ACT_ERRNO(EACCES), name, masked(argument, O_CREAT | O_TRUNC, O_TRUNC));
}

/* Memory is written or executed, never both. */
static void add_memory(struct filter *filter)
{
	const uint64_t mask = PROT_WRITE | PROT_EXEC;
	const uint64_t either[] = { PROT_NONE, PROT_WRITE, PROT_EXEC };

	add_choice(filter, "mmap", 2, mask, HF_ARRAY_LEN(either), either);
	add_if(filter, SCMP_ACT_ERRNO(EPERM), "mmap", masked(2, mask, mask));
	add_if(filter, SCMP_ACT_ALLOW, "mprotect", masked(2, PROT_EXEC, 0));
	add_if(filter, SCMP_ACT_ERRNO(EPERM), "mprotect", masked(2, PROT_EXEC, PROT_EXEC));
}

static void add_sockets(struct filter *filter, unsigned traits)
{
	static const int internet[] = { AF_INET, AF_INET6 };
	static const int local[] = { AF_UNIX, AF_NETLINK };
	bool network = (traits & HF_SANDBOX_NETWORK) != 0;

	for (size_t i = 0; i < HF_ARRAY_LEN(internet); i++)
		add_if(filter, network ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS, "socket",
		       equal(0, (scmp_datum_t)internet[i]));
	/* Looking up a name asks a local service and the kernel's routes; so may a library of
	 * somebody who has no network, which then does without. */
	for (size_t i = 0; i < HF_ARRAY_LEN(local); i++)
		add_if(filter, network ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), "socket",
		       equal(0, (scmp_datum_t)local[i]));
}

static void add_ioctl(struct filter *filter, unsigned traits)
{
	const uint64_t class = 0xff00;
	static const unsigned long harmless[] = { TCGETS,  TIOCGWINSZ, FIONREAD,
						  FIONBIO, FIOCLEX,    FIONCLEX };

	for (size_t i = 0; i < HF_ARRAY_LEN(harmless); i++)
		add_if(filter, SCMP_ACT_ALLOW, "ioctl", equal(1, harmless[i]));
	if ((traits & HF_SANDBOX_CAMERA) != 0)
		add_if(filter, SCMP_ACT_ALLOW, "ioctl", masked(1, class, (uint64_t)'V' << 8));
	if ((traits & HF_SANDBOX_GPIO) != 0)
		add_if(filter, SCMP_ACT_ALLOW, "ioctl", masked(1, class, (uint64_t)0xb4 << 8));
	if ((traits & HF_SANDBOX_NETWORK) != 0) /* interfaces and their addresses */
		add_if(filter, SCMP_ACT_ALLOW, "ioctl", masked(1, class, (uint64_t)0x89 << 8));
}

static void add_process(struct filter *filter)
{
	const scmp_datum_t self = (scmp_datum_t)getpid();
	const uint64_t kinds = CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
			       CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	static const unsigned long controls[] = { PR_SET_NAME,     PR_GET_NAME,
						  PR_SET_VMA,      PR_GET_DUMPABLE,
						  PR_GET_SECCOMP,  PR_SET_SECCOMP,
						  PR_CAPBSET_READ, PR_SET_NO_NEW_PRIVS };

	if (with_sanitizer) {
		add(filter, SCMP_ACT_ALLOW, "clone", 0, NULL);
		add(filter, SCMP_ACT_ALLOW, "prctl", 0, NULL);
		add(filter, SCMP_ACT_ALLOW, "tgkill", 0, NULL);
		add(filter, SCMP_ACT_ALLOW, "prlimit64", 0, NULL);
		return;
	}
	/* Threads, no processes. */
	add_if(filter, SCMP_ACT_ALLOW, "clone", masked(0, kinds, CLONE_THREAD));
	add_if(filter, SCMP_ACT_ERRNO(EPERM), "clone", masked(0, CLONE_THREAD, 0));
	for (size_t i = 0; i < HF_ARRAY_LEN(controls); i++)
		add_if(filter, SCMP_ACT_ALLOW, "prctl", equal(0, controls[i]));
	/* abort() */
	add_if(filter, SCMP_ACT_ALLOW, "tgkill", equal(0, self));
	/* To ask for a limit, not to set one. */
	add_if(filter, SCMP_ACT_ALLOW, "prlimit64", equal(2, 0));
}

const char *hf_sandbox_build(void)
{
#ifdef HF_SANDBOX_COVERAGE
	return "coverage";
#endif
	return with_sanitizer ? "sanitizers" : "";
}

static int build(struct filter *filter, unsigned traits)
{
	/* A tree instead of a list: a dozen comparisons a call instead of a hundred. */
	filter->error = -seccomp_attr_set(filter->context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (filter->error == 0)
		filter->error = -seccomp_attr_set(filter->context, SCMP_FLTATR_CTL_TSYNC, 1);
	if (filter->error == 0)
		filter->error = -seccomp_attr_set(filter->context, SCMP_FLTATR_ACT_BADARCH,
						  SCMP_ACT_KILL_PROCESS);
	if ((traits & HF_SANDBOX_COMMANDS) != 0) {
		add_lethal(filter);
	} else {
		add_table(filter, traits);
		add_open(filter, "open", 1, traits);
		add_open(filter, "openat", 2, traits);
		add_memory(filter);
		add_sockets(filter, traits);
		add_ioctl(filter, traits);
		add_process(filter);
	}
	if (filter->error == 0)
		filter->error = -seccomp_load(filter->context);
	return filter->error;
}

enum hf_code hf_sandbox_filter_calls(unsigned traits, struct hf_err *err)
{
	const uint32_t rest =
		(traits & HF_SANDBOX_COMMANDS) != 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS);
	struct filter filter = { .context = seccomp_init(rest) };

	if (filter.context == NULL)
		return hf_fail(err, HF_E_INVALID, "seccomp: no filter for this architecture");
	int error = build(&filter, traits);
	seccomp_release(filter.context);
	if (error != 0)
		return hf_fail(err, HF_E_INVALID, "seccomp: %s", strerror(error));
	return HF_OK;
}
