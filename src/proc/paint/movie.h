/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * movie - pictures into an MP4 that a browser plays.
 *
 * Shape       H.264 (libx264), 4:2:0; MPEG-4 part 2 where that encoder is not
 *             there. The index stands at the front. Width and height are even:
 *             a last odd column or row is left out.
 *
 * Numbers     Times in microseconds, rising; the first is the movie's 0.
 *
 * Errors      IO, NOSPACE, DENIED as the file system says: the file is of no use
 *             then. INVALID when the encoder refuses.
 */
#include "base/err.h"

#include <stdint.h>

struct movie;

enum hf_code movie_open(const char *path, uint32_t width, uint32_t height, struct movie **ret_movie,
			struct hf_err *err) HF_MUST_CHECK;
/* bgra: 4 bytes a pixel, rows stride bytes apart. */
enum hf_code movie_write(struct movie *movie, const uint8_t *bgra, int stride, int64_t time_us,
			 struct hf_err *err) HF_MUST_CHECK;
/* What is left, and the index. */
enum hf_code movie_finish(struct movie *movie, struct hf_err *err) HF_MUST_CHECK;
void movie_close(struct movie *movie); /* NULL is fine */
