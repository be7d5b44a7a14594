/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * film - the painter (proc/paint/paint.h) as a command uses it.
 *
 * Shape       What is told goes to the painter's pipe in the order in which it
 *             is told. It draws into PATH.part, which takes the name PATH when
 *             it is whole: what stood there before stays until then.
 *
 * Owners      hf_film_close() ends the painter and removes what is half made.
 *
 * Errors      Of a painter that ended: its own words. Once one was returned the
 *             film is spent. HF_E_AGAIN: interrupted() said so.
 */
#include "cli/hired.h"
#include "shape/tile.h"

struct hf_film;

struct hf_film_options {
	const struct hf_hired_tree *tree;
	const struct hf_config *config;
	uint32_t source;
	const char *path;
	void *context;
	bool (*interrupted)(void *context);
};

/* INVALID: path is no place for a movie, with the reason. Nothing was changed then. */
enum hf_code hf_film_check(const char *path, const char *clip, struct hf_err *err) HF_MUST_CHECK;

enum hf_code hf_film_open(const struct hf_film_options *options, struct hf_film **ret_film,
			  struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_film_tick(struct hf_film *film, const struct hf_tick *tick,
			  struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_film_result(struct hf_film *film, const struct hf_result *result,
			    struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_film_event(struct hf_film *film, const char *line, size_t size_bytes,
			   struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_film_finish(struct hf_film *film, struct hf_err *err) HF_MUST_CHECK;
void hf_film_close(struct hf_film *film); /* NULL is fine */
