/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * assets - the files of the page, in the executable. Made by web/embed.sh from web/ at build
 * time: the page works with the WAN dead and without a folder to find.
 */
#include <stddef.h>

struct hf_asset {
	const char *path; /* as requested: "/", "/hub.css" */
	const char *type;
	const unsigned char *data;
	size_t size_bytes;
};

extern const struct hf_asset hf_assets[];
extern const size_t hf_asset_count;
