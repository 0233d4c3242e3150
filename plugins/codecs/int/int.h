/* SPDX-License-Identifier: Apache-2.0 */
/* int.h: what the files of this plugin share.
 *   int.c        parameters, callbacks, components
 *   int_cell.c   what the codes of a cell mean
 *   int_lanes.c  the loops over all numbers
 *   int_graph.c  the nodes that make numbers of codes */
#ifndef ADZE_PLUGIN_INT_H
#define ADZE_PLUGIN_INT_H

#include <string.h>

#include <adze/sdk.h>

/* What the parameters ask for. */
typedef struct int_way {
  uint32_t bits;
  bool symmetric;
  bool whole;      /* one scale for the tensor */
  uint64_t group;  /* numbers of a scale within a row; 0: the whole row */
} int_way;

/* A cell is what shares a scale. Codes are 0 to 2^bits - 1; the number is (code - zero) * scale. */
typedef struct int_cell {
  float scale;
  uint32_t zero;
} int_cell;

/* The cell for numbers from LOW to HIGH; 0 is always one of them. */
int_cell int_cell_for (const int_way *way, float low, float high);
void int_range (const float *values, uint64_t count, float *low, float *high);
/* CODES: one byte each. */
void int_encode (const int_way *way, int_cell cell, const float *values, uint64_t count, uint8_t *codes);
/* Codes of 8 bits as signed ones, and back. */
void int_flip (const uint8_t *codes, uint64_t count, uint8_t *__restrict out);
void int_decode (int_cell cell, const uint8_t *codes, uint64_t count, float *values);

adze_status int_graph (const adze_host *host, const int_way *way, const adze_tensor_meta *meta,
                       const adze_coded *coded, adze_graph *graph, const uint32_t *planes,
                       uint32_t *value);

#endif
