/* SPDX-License-Identifier: Apache-2.0 */
/* What a calibrated quantisation is made of.
 *
 *   quantize-static.c  the component, and the order of the work
 *   settings.c         what is asked for, and which layers are meant by it
 *   layers.c           the products of the network, and why some are none of ours
 *   sweep.c            data goes through a network, and values in it are looked at
 *   ranges.c           which range the codes of each input have
 *   histogram.c        how often numbers lay where, and ranges of that
 *   codes.c            weights become codes
 *   gram.c             what flows into a layer, summed up so that errors of what it gives can be told
 *   outputs.c          that for all layers, and what it is used for
 *   rounding.c         which of its neighbours each weight becomes
 *   gptq.c             weights that make up for those that were coded before them
 *   chain.c            layers that can make up for each other's factors
 *   equalise.c         weights of neighbours made as large as each other
 *   smooth.c           what flows made as easy to say as the weights
 *   correct.c          what codes move a layer by in the mean
 *   nodes.c            the network with codes in it
 *   report.c           what is told
 */
#ifndef QUANTIZE_STATIC_H
#define QUANTIZE_STATIC_H

#include <adze/sdk.h>

#include "histogram.h"

typedef enum static_range {
  RANGE_MIN_MAX,
  RANGE_MOVING,
  RANGE_PERCENTILE,
  RANGE_ENTROPY,
  RANGE_MSE
} static_range;

/* ---- What is asked for: settings.c. */

typedef struct static_settings {
  bool inputs;            /* they become codes as well; else weights alone do */
  bool inputs_signed, symmetric;
  static_range range;
  double percentile, averaging;
  uint32_t bits;
  bool per_channel, weights_mse;
  bool integers;          /* integer operators; else QuantizeLinear and DequantizeLinear */
  uint64_t samples;
  bool adaround, correct, equalise;
  bool gptq, act_order;
  uint32_t block, group;  /* GROUP 0: all weights of a channel */
  double damping, smooth; /* of the sums that weights are rounded by; alpha, 0: not at all */
} static_settings;

/* Of the component quantize-gptq where GPTQ. */
adze_status static_settings_read (const adze_host *host, const adze_params *params, bool gptq,
                                  static_settings *settings);

/* ---- Layers: layers.c. */

typedef enum static_kind {
  LAYER_CONV,
  LAYER_GEMM,
  LAYER_MATMUL
} static_kind;

typedef struct static_value static_value;

/* A product with a weight. Weights lie here as [CHANNELS][FAN], whichever way the network has them. */
typedef enum static_fallback {
  FELL_NOT = 0,
  FELL_SINGULAR = 1, /* the sums of what flows in have no inverse */
  FELL_ODD = 2       /* they are no numbers */
} static_fallback;

typedef struct static_layer {
  uint32_t node;
  static_kind kind;
  char *name;             /* the node's, or that of what it gives */
  char *weight_name;
  uint32_t input, weight, bias, output; /* values; BIAS may be ADZE_NONE */
  bool turned;            /* the weight has a channel in each column, not in each row */
  uint32_t bits;
  bool keeps_zeros;       /* weights that are 0 get the code 0, whatever they are to make up for */
  size_t channels, fan, groups;
  size_t kernel;          /* of a Conv: places of a window; else 1 */
  size_t group, steps;    /* places that share a scale, and scales of a channel */
  float *weights;
  float *biases;          /* NULL: it has none */
  int8_t *codes;
  float *scales;          /* [CHANNELS][STEPS], all the same where there is one for all */
  double noise;           /* of the codes against the weights: sum of squares, as is the next one */
  double power;
  static_value *range;    /* of the input */
  int8_t *nearest;        /* codes before they were rounded otherwise; NULL: nobody asks for errors */
  double error, error_nearest; /* shares of the squares of what the layer gives, with its codes and with those */
  uint8_t fell_back;      /* a static_fallback: it could not be rounded as was asked for */
  double *means;          /* of what each channel gave in floats; NULL: no bias is corrected */
} static_layer;

static inline float
static_scale_at (const static_layer *layer, size_t row, size_t place)
{
  return layer->scales[row * layer->steps + place / layer->group];
}

/* What stays as it is, and why. */
typedef struct static_left {
  char *name;
  char why[160];
  bool asked;             /* a layer with a weight, of which codes were asked for */
} static_left;

/* An input of layers, and the codes of it. */
struct static_value {
  uint32_t value;
  char *name;
  histogram *seen;
  histogram_range range;
  float scale;
  int32_t zero;
  bool usable;
  uint32_t floats;        /* what its codes stand for, once there are nodes that make it; else ADZE_NONE */
};

typedef struct static_run {
  const adze_host *host;
  adze_context *context;
  const adze_params *params;
  const adze_run_service *run;
  const adze_graph_service *graphs;
  const adze_tap_service *tap;
  static_settings set;
  adze_artifact *model, *data, *held_out; /* HELD_OUT may be NULL */
  adze_graph *graph;
  static_layer *layers;
  size_t layer_count;
  static_value *values;
  size_t value_count;
  static_left *left;
  size_t left_count, left_room;
  uint64_t products;      /* all that there are */
  uint64_t skipped;       /* as was asked for */
  uint64_t examples;      /* that were looked at */
  uint64_t in_integers;   /* nodes that the host's pass has changed */
  uint64_t equalised;     /* pairs of layers */
  uint64_t smoothed, muls; /* inputs, and those with a node of their own for it */
  uint64_t corrected;     /* layers */
  double moved;           /* the furthest that a channel's mean was off when it was corrected */
  bool measured;          /* layers have errors */
} static_run;

/* layers.c */
adze_status static_find_layers (static_run *s);
adze_status static_leave (static_run *s, const char *name, bool asked, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));
/* The layer is left, and goes out of the list. */
adze_status static_drop_layer (static_run *s, size_t index, const char *why);
void static_end_layers (static_run *s);
char *static_copy_text (const adze_host *host, const char *text);

/* settings.c: of a layer; *BITS 0: it stays as it is, as was asked for. */
adze_status static_bits_of (const static_run *s, const char *name, const char *weight, const char *op,
                            uint32_t *bits);
/* Is it one of a layer whose zeros stay, as was asked for? */
bool static_keeps_zeros (const static_run *s, const char *name, const char *weight);
/* Each pattern must have met a layer. */
adze_status static_check_patterns (const static_run *s);

/* sweep.c: all examples that are asked for go through GRAPH; after each batch LOOK is shown VALUES of it. */
typedef struct static_sweep {
  adze_graph *graph;
  adze_artifact *data;
  uint64_t samples;       /* at most, in whole batches; 0: all */
  const uint32_t *values;
  size_t count;
  adze_status (*look) (static_run *s, void *argument, const adze_view *const *views);
  void *argument;
  uint64_t examples;      /* that there were */
} static_sweep;
adze_status static_sweep_data (static_run *s, static_sweep *sweep);

/* ranges.c */
adze_status static_find_ranges (static_run *s);

/* codes.c */
int32_t static_least_code (uint32_t bits);
int32_t static_most_code (uint32_t bits);
int32_t static_nearest_code (double number, float scale, uint32_t bits);
adze_status static_code_weights (static_run *s);
/* What the codes that a layer has lose of its weights. */
void static_weigh_codes (static_layer *layer);

/* outputs.c */
adze_status static_round (static_run *s);

/* chain.c */
bool static_takes_alone (const static_run *s, const static_layer *layer);
bool static_goes_to_layers (const static_run *s, uint32_t value);
static_layer *static_maker_of (const static_run *s, const static_layer *taker, size_t *share);
/* Which channel of what flows in the PLACE of a ROW of weights belongs to, SHARE places being of one. */
size_t static_channel_in (const static_layer *layer, size_t row, size_t place, size_t share);
adze_status static_put_floats (const static_run *s, const static_layer *layer);
adze_status static_put_biases (const static_run *s, const static_layer *layer);

/* equalise.c */
adze_status static_equalise (static_run *s);
/* What MAKER gives is divided by a factor for each channel, and TAKER makes up for it; either may be NULL. */
void static_scale_channels (static_layer *maker, static_layer *taker, size_t share, const float *factors);

/* smooth.c */
adze_status static_smooth (static_run *s);

/* correct.c, in this order: before ranges, before codes, behind nodes. */
adze_status static_give_biases (static_run *s);
adze_status static_note_means (static_run *s);
adze_status static_correct (static_run *s);

/* nodes.c */
adze_status static_write_nodes (static_run *s);
adze_status static_write_biases (static_run *s);

/* report.c */
adze_status static_tell (const static_run *s);
adze_status static_give_report (const static_run *s);

#endif
