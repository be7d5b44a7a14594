/* SPDX-License-Identifier: Apache-2.0 */
/* Makes struct members of the rows of config_tbl.h; used by config.h only. */
#define HF_INT(field, key, standard, min, max, unit, reader, help)  int64_t field;
#define HF_REAL(field, key, standard, min, max, unit, reader, help) double field;
#define HF_BOOL(field, key, standard, reader, help)                 bool field;
#define HF_TEXT(field, key, standard, bytes, reader, help)          char field[bytes];
#define HF_ENUM(field, key, standard, choices, reader, help)        int32_t field;
#include "shape/config_tbl.h"
