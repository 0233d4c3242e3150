/* SPDX-License-Identifier: Apache-2.0 */
/* graph/tap.h: a network that is computed with, and what is seen of the values inside it. */
#ifndef ADZE_GRAPH_TAP_H
#define ADZE_GRAPH_TAP_H

#include <adze/draft/tap.h>

#include "graph/executable.h"

typedef struct adze_tapped adze_tapped;

/* VALUES: of GRAPH, of which a copy is compiled; GRAPH must live as long, for its numbers. */
ADZE_MUST_CHECK adze_error *adze_tapped_open (adze_graph *graph, const uint32_t *values,
                                              size_t count, const adze_compile_options *options,
                                              adze_tapped **tapped);
void adze_tapped_close (adze_tapped *tapped);
ADZE_MUST_CHECK adze_error *adze_tapped_feed (adze_tapped *tapped,
                                              const adze_view *const *inputs);
/* NULL: nothing was fed yet, or there is no such value. */
const adze_view *adze_tapped_last (const adze_tapped *tapped, size_t index);
ADZE_MUST_CHECK adze_error *adze_tapped_statistics (const adze_tapped *tapped, size_t index,
                                                    adze_tap_statistics *statistics);
const adze_executable_facts *adze_tapped_facts (const adze_tapped *tapped);

#endif
