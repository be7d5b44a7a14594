/* SPDX-License-Identifier: Apache-2.0 */
/* Goes on an expression with "&& ..." for the rows of config_tbl.h: is a text ended, a choice one
 * there is, a truth value one? Used by config.c only. No include guard. */
#define HF_INT(field, key, standard, min, max, unit, reader, help)
#define HF_REAL(field, key, standard, min, max, unit, reader, help)
#define HF_BOOL(field, key, standard, reader, help) &&is_bool(&record->field)
#define HF_TEXT(field, key, standard, bytes, reader, help) \
	&&memchr(record->field, '\0', bytes) != NULL
#define HF_ENUM(field, key, standard, choices, reader, help) &&is_choice(record->field, choices)
#include "shape/config_tbl.h"
