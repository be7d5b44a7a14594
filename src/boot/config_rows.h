/* SPDX-License-Identifier: Apache-2.0 */
/* Makes struct hf_config_row initialisers of the rows of config_tbl.h, for records of type
 * HF_ROW_RECORD; used by config_table.c only. No include guard. */
#define HF_INT(field, key_, standard, min_, max_, unit_, reader_, help_) \
	{ .key = key_,                                                   \
	  .kind = HF_CONFIG_INT,                                         \
	  .offset = offsetof(HF_ROW_RECORD, field),                      \
	  .value = standard,                                             \
	  .min = min_,                                                   \
	  .max = max_,                                                   \
	  .unit = unit_,                                                 \
	  .reader = reader_,                                             \
	  .help = help_ },
#define HF_REAL(field, key_, standard, min_, max_, unit_, reader_, help_) \
	{ .key = key_,                                                    \
	  .kind = HF_CONFIG_REAL,                                         \
	  .offset = offsetof(HF_ROW_RECORD, field),                       \
	  .real_value = standard,                                         \
	  .real_min = min_,                                               \
	  .real_max = max_,                                               \
	  .unit = unit_,                                                  \
	  .reader = reader_,                                              \
	  .help = help_ },
#define HF_BOOL(field, key_, standard, reader_, help_) \
	{ .key = key_,                                 \
	  .kind = HF_CONFIG_BOOL,                      \
	  .offset = offsetof(HF_ROW_RECORD, field),    \
	  .value = standard,                           \
	  .reader = reader_,                           \
	  .help = help_ },
#define HF_TEXT(field, key_, standard, bytes, reader_, help_) \
	{ .key = key_,                                        \
	  .kind = HF_CONFIG_TEXT,                             \
	  .offset = offsetof(HF_ROW_RECORD, field),           \
	  .text = standard,                                   \
	  .size_bytes = bytes,                                \
	  .reader = reader_,                                  \
	  .help = help_ },
#define HF_ENUM(field, key_, standard, choices_, reader_, help_) \
	{ .key = key_,                                           \
	  .kind = HF_CONFIG_ENUM,                                \
	  .offset = offsetof(HF_ROW_RECORD, field),              \
	  .value = standard,                                     \
	  .choices = choices_,                                   \
	  .reader = reader_,                                     \
	  .help = help_ },
#include "shape/config_tbl.h"
#undef HF_ROW_RECORD
