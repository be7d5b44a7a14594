/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cli - what the verbs of `holdfast` have in common.
 *
 * Shape       One file a verb: hf_cli_<verb>() in src/cli/<verb>.c, a row in
 *             cli/verb_tbl.h, what it takes in cli/commands.c. argv[0] is the
 *             verb itself. The return value is the program's exit code.
 *             `VERB --help` is answered from the table.
 *
 *             Data goes to stdout, talk to stderr: what a script reads is never
 *             mixed with what a person reads.
 *
 * Errors      Other people's scripts rely on the exit codes: add, never change.
 */
#include <stdbool.h>
#include <stdio.h>

#define HF_DATA_PATH   "/var/lib/holdfast"
#define HF_CONFIG_PATH "/etc/holdfast/holdfast.yaml"

enum hf_exit_code {
	HF_EXIT_OK = 0,
	HF_EXIT_FAILED = 1,
	HF_EXIT_USAGE = 2,
	HF_EXIT_NOT_RUNNING = 3,
	HF_EXIT_DEGRADED = 4, /* the unit runs, in a state other than healthy */
	HF_EXIT_PARTIAL = 5,  /* some of what was asked for was done */
	HF_EXIT_LATER = 75,   /* the same command may succeed later */
};

#define HF_VERB(group, verb, summary) int hf_cli_##verb(int argc, char **argv);
#include "cli/verb_tbl.h"

/* May this stream carry colour? A terminal, and NO_COLOR is not set. */
bool hf_cli_colour(FILE *stream);

/* "holdfast: TEXT" to stderr and how to get help with the verb; returns HF_EXIT_USAGE. */
int hf_cli_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
