/* SPDX-License-Identifier: Apache-2.0 */
/* gguf_graph.h: blocks in a network: nodes that make numbers of their bytes, which any runtime executes.
 * Operations come in the order of those that decode, so that numbers are the same.
 *   gguf_graph.c         what the types have in common
 *   gguf_graph_simple.c  those of simple.c and iq4.c
 *   gguf_graph_k.c       those of k.c */
#ifndef GGUF_GRAPH_H
#define GGUF_GRAPH_H

#include <adze/sdk.h>

#include "blocks.h"

/* Values are [BLOCKS][...], whole numbers of 32 bits until they become floats. */
typedef struct gguf_nodes {
  adze_nodes nodes;
  int64_t blocks;
  uint32_t bytes; /* all of each block */
} gguf_nodes;

/* The numbers of a type, of which each block has its own in their order. */
typedef uint32_t gguf_graph_form (gguf_nodes *n);

#define GGUF_DECLARE_FORM(id) gguf_graph_form gguf_graph_##id;
GGUF_CODECS (GGUF_DECLARE_FORM)
#undef GGUF_DECLARE_FORM

/* The nodes of FORM behind PLANE, for a tensor of META whose codec is CODEC. */
adze_status gguf_graph (const adze_host *host, const gguf_codec *codec, gguf_graph_form *form,
                        const adze_tensor_meta *meta, adze_graph *graph, uint32_t plane, uint32_t *value);

/* COUNT of what VALUE has in each block, from FROM on: each, or every STEP-th. */
uint32_t gguf_part (gguf_nodes *n, uint32_t value, int64_t from, int64_t count, int64_t step);

/* VALUE as [blocks][parts][each]. */
uint32_t gguf_apart (gguf_nodes *n, uint32_t value, int64_t parts, int64_t each);

/* OP of each number and NUMBER: "Div". */
uint32_t gguf_with (gguf_nodes *n, const char *op, uint32_t value, int64_t number);

/* Codes of BITS out of COUNT bytes from FROM on, RUN of which lie side by side: the lowest code of each byte of
 * the first run, then those above, then the next run. */
uint32_t gguf_codes (gguf_nodes *n, int64_t from, int64_t count, int64_t run, int bits);

/* LOW, and HIGH as often as TIMES says. */
uint32_t gguf_join (gguf_nodes *n, uint32_t low, uint32_t high, int64_t times);

/* Bytes that are numbers with a sign. */
uint32_t gguf_signed (gguf_nodes *n, int64_t from, int64_t count);

/* COUNT floats of 16 bits, as floats. */
uint32_t gguf_halves (gguf_nodes *n, int64_t from, int64_t count);

uint32_t gguf_floats (gguf_nodes *n, uint32_t value);

/* NUMBERS times the SCALE of the part in which they are, of which a block has PARTS of EACH. */
uint32_t gguf_scaled (gguf_nodes *n, uint32_t numbers, uint32_t scale, int64_t parts, int64_t each);

#endif
