/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * evidence - what stands in a data folder after a power cut, before a keeper has touched it.
 *
 * Method      For a person who has to find out why an event is gone: each day file with its
 *             header's words, the numbers of its lines and where they end; the ring's numbers
 *             and where a frame is torn; the notes below meta. Nothing is repaired, nothing
 *             judged.
 *
 * Owners      The file is the caller's.
 */
#include <stdio.h>

void evidence_write(FILE *out, const char *data_path);
