/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * auto - clean up where the variable is declared.
 *
 * HF_AUTO_FD fd = open(...);  closed on every way out of the scope
 * return HF_TAKE_FD(fd);      hands it on: the variable becomes -1
 * HF_AUTO_FREE char *p = ...; HF_TAKE(p) hands it on: the variable becomes NULL
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HF_AUTO(destructor) __attribute__((cleanup(destructor), unused))

static inline void hf_auto_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void hf_auto_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void hf_auto_fclose(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

static inline int hf_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define HF_AUTO_FD     HF_AUTO(hf_auto_close) int
#define HF_AUTO_FREE   HF_AUTO(hf_auto_free)
#define HF_AUTO_FCLOSE HF_AUTO(hf_auto_fclose)
#define HF_TAKE_FD(fd) hf_take_fd(&(fd))
#define HF_TAKE(pointer)                                  \
	__extension__({                                   \
		__typeof__(pointer) hf_taken = (pointer); \
		(pointer) = NULL;                         \
		hf_taken;                                 \
	})

#define HF_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
