/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* manual - the manual pages that the tables can write, as scdoc(5) source: holdfast(1) from those of
 * the verbs, holdfast.yaml(5) from that of the settings. */
#include <stdbool.h>
#include <stdio.h>

/* false: there is no such page among them. */
bool hf_manual_print(const char *page, FILE *stream);
