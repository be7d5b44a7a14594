/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tiny_pack - for tests: a model pack whose answers are known beforehand.
 *
 * Shape       A network of two convolutions, written as ONNX by hand: input 64x32,
 *             one stride of 8, so 8x4 cells. The score of a cell is sigmoid(20 *
 *             its mean brightness - 10): white is 1, black 0. Every box reaches two
 *             strides to each side of the cell's centre. A white cell at column x,
 *             row y is thus a person at (8x - 12, 8y - 12), 32 pixels on each side,
 *             before it is cut at the tile's edges.
 */
enum {
	TINY_WIDTH = 64,
	TINY_HEIGHT = 32,
	TINY_STRIDE = 8,
	TINY_REACH = 16, /* of a box from the cell's centre */
};

enum tiny_flaw {
	TINY_GOOD = 0,
	TINY_NAN,         /* every value it gives is NaN */
	TINY_OVERFLOW,    /* works on black, gives infinities where it is bright */
	TINY_OTHER_SHAPE, /* the network's input is 64x64, model.json says 64x32 */
	TINY_OTHER_NAME,  /* the network calls its scores "points" */
	TINY_DAMAGED,     /* one byte of the network is not as hashed */
	TINY_NO_NETWORK,  /* model.json alone */
	TINY_NOT_ONNX,    /* the hash is right, the bytes are not a network */
};

/* Into an existing folder. Fails the test when it cannot. */
void tiny_pack_write(const char *folder, enum tiny_flaw flaw);

/* The same description with one text replaced by another; from must be in it. */
void tiny_pack_describe(const char *folder, const char *from, const char *to);

/* What the network says to the known picture (golden.h), each value changed by off. */
void tiny_pack_golden(const char *folder, double off);

/* A second pack, tagged "tiny@2", in folder/small, named as the fallback. */
void tiny_pack_fallback(const char *folder, enum tiny_flaw flaw);

/* All that may be in such a folder, and it. */
int tiny_pack_remove(const char *folder);
