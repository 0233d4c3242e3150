/* SPDX-License-Identifier: Apache-2.0 */
/* stage/feed.h: a few whole tensors through an instance, from describe to apply, all in memory and on
 * one lane: what the harness and the conformance kit do, and no run. */
#ifndef ADZE_STAGE_FEED_H
#define ADZE_STAGE_FEED_H

#include "stage/instance.h"

/* How observed pieces come together. */
typedef enum adze_feed_merge {
  ADZE_FEED_ONE = 0,  /* all in one accumulator */
  ADZE_FEED_LEFT,     /* one a piece, each added to those before it */
  ADZE_FEED_BALANCED, /* one a piece, neighbours added until one is left */
  ADZE_FEED_EMPTY     /* as ONE, and an empty one is added to it, and it to an empty one */
} adze_feed_merge;

typedef struct adze_feed_options {
  unsigned lane;
  uint64_t piece;    /* elements of a piece at most, as far as the grain allows; 0: whole tensors */
  uint64_t observed; /* the same for observe */
  adze_feed_merge merge;
  unsigned char poison; /* what outputs are filled with before apply; 0: nothing */
  bool watch_inputs;    /* a piece that was written into is a broken contract */
} adze_feed_options;

/* What became of one output of describe. */
typedef struct adze_fed_output {
  adze_tensor tensor; /* its name, shape and data lie in META and MEMORY */
  adze_tensor_meta *meta;
  void *memory;
  size_t group;
  bool given; /* false: every piece was left as it was, under the same name */
} adze_fed_output;

typedef struct adze_fed {
  adze_fed_output *outputs; /* in the order of describe */
  size_t count;
  size_t dropped;  /* tensors that no output comes from */
  size_t untouched; /* tensors that describe did not take */
} adze_fed;

typedef struct adze_feeding adze_feeding;

/* Everything that comes before apply. The tensors stand at each of PORTS model inputs, and must
 * outlive what is opened. */
ADZE_MUST_CHECK adze_error *adze_feed_open (adze_instance *instance, uint32_t ports,
                                            const adze_tensor *const *inputs, size_t count,
                                            const adze_feed_options *options,
                                            adze_feeding **feeding);
/* Apply to all of it, as often as is wanted, and by several threads at once, each on a lane of its
 * own. */
ADZE_MUST_CHECK adze_error *adze_feed_apply (adze_feeding *feeding,
                                             const adze_feed_options *options, adze_fed *fed);
void adze_feed_close (adze_feeding *feeding);

/* All of it, once. */
ADZE_MUST_CHECK adze_error *adze_feed (adze_instance *instance, uint32_t ports,
                                       const adze_tensor *const *inputs, size_t count,
                                       const adze_feed_options *options, adze_fed *fed);
void adze_fed_cleanup (adze_fed *fed);

/* How many in-ports of type model a technique cannot do without: others stay unbound. */
uint32_t adze_feed_ports (const adze_manifest_component *component);

#endif
