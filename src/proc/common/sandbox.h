/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sandbox - what a worker may still do once it has what it needs.
 *
 * Shape       Four layers, each of which holds without the others:
 *             no_new_privs; the capabilities of root that nobody here needs are
 *             dropped; Landlock (which files); seccomp (which system calls).
 *             hf_sandbox_for() says what a role may, hf_sandbox_enter() is for
 *             ever. Enter before the first thread is started and before the first
 *             byte from outside is parsed.
 *
 *             What is refused: a system call that is not in sandbox_tbl.h does
 *             not exist (ENOSYS: a newer C library falls back to what it used
 *             before), a file is EACCES, and what only a process that was taken
 *             over would try (another program, another process's memory, the
 *             internet where the role has no business there) ends it by SIGSYS.
 *             doc/decisions/0010-sandbox.md says why.
 *
 * Errors      None. A layer that this kernel or container does not offer is told
 *             in the log, with what it means, and the worker works: a unit that
 *             does not watch is worse than one that watches with fewer walls.
 *
 * Owners      One a process; the struct is the caller's.
 *
 * Limits      Landlock knows files, not names: when a file or folder that was
 *             there is replaced or mounted anew, it is another one, which may not
 *             be opened. hf_sandbox_stale() sees that; the worker then ends, and
 *             the one that comes after it is let in.
 *             Landlock from version 1 (Linux 5.13), for those who write from 2
 *             (5.19: files move between folders). The rights that a build names
 *             are those of version 5; those the kernel does not know are left out.
 *             Builds with sanitizers or coverage are allowed what those need, and
 *             say so in the log.
 */
#include "shape/config.h"
#include "wire/proto.h"

#include <sys/types.h>

/* In the order of what one gives beyond the other. */
enum hf_sandbox_may {
	HF_SANDBOX_LIST,   /* the names below a folder */
	HF_SANDBOX_READ,   /* a file, or all below a folder */
	HF_SANDBOX_WRITE,  /* read; make, change, move and remove, too */
	HF_SANDBOX_DEVICE, /* one node: read, write, ioctl */
};

/* What a role may beyond reading and computing. */
enum {
	HF_SANDBOX_NETWORK = 1,   /* reach out; never listen */
	HF_SANDBOX_WRITES = 2,    /* open for writing, where its paths allow it */
	HF_SANDBOX_CAMERA = 4,    /* the ioctls of Video4Linux */
	HF_SANDBOX_GPIO = 8,      /* those of a GPIO chip */
	HF_SANDBOX_COMMANDS = 16, /* start programs of the operator's, which inherit what holds: no
				   * Landlock, and of the calls only those that end everybody */
};

enum {
	HF_SANDBOX_PATHS_MAX = 48,
};

struct hf_sandbox_path {
	char path[HF_PATH_BYTES];
	enum hf_sandbox_may may;
	bool watched; /* hf_sandbox_stale() looks at it */
	bool there;   /* at the time of entering: */
	dev_t device;
	ino_t inode;
};

struct hf_sandbox {
	char name[HF_ID_BYTES]; /* "ingest.file" */
	unsigned traits;
	unsigned path_count;
	struct hf_sandbox_path paths[HF_SANDBOX_PATHS_MAX];
	/* What holds, once it was entered. */
	unsigned landlock; /* its version; 0: does not hold */
	bool seccomp;
	char missing[256]; /* what does not hold, and why; empty: nothing */
};

/* What a worker calls: everything below for the role that hello names. */
void hf_sandbox_worker(const struct hf_hello *hello, const struct hf_config *config,
		       struct hf_sandbox *ret_sandbox);

/* What the worker that hello speaks to may. Makes the folders that it writes. */
void hf_sandbox_for(const struct hf_hello *hello, const struct hf_config *config,
		    struct hf_sandbox *ret_sandbox);
/* The child that draws onto a clip: this clip, the file out, which is there, and fonts. */
void hf_sandbox_for_paint(const char *clip, const char *out, struct hf_sandbox *ret_sandbox);
/* The child that reads a configuration: this one file. */
void hf_sandbox_for_config(const char *path, struct hf_sandbox *ret_sandbox);

/* In parts, for what the above is made of. A path that is longer than HF_PATH_BYTES - 1 bytes, or
 * one too many, is not allowed. */
void hf_sandbox_begin(const char *name, unsigned traits, struct hf_sandbox *ret_sandbox);
void hf_sandbox_allow(struct hf_sandbox *sandbox, const char *path, enum hf_sandbox_may may);
/* The same of what may be replaced while the process lives: hf_sandbox_stale() looks at it. */
void hf_sandbox_watch(struct hf_sandbox *sandbox, const char *path, enum hf_sandbox_may may);

void hf_sandbox_enter(struct hf_sandbox *sandbox);
/* One line: what holds, or what does not and what that means. */
void hf_sandbox_log(const struct hf_sandbox *sandbox);

/* The first watched path that is there and was not, or was another file, at the time of entering,
 * or a folder to write into that is gone; NULL: none, or Landlock does not hold. Cheap enough for
 * once a second. */
const char *hf_sandbox_stale(const struct hf_sandbox *sandbox);
