/* SPDX-License-Identifier: Apache-2.0 */
/* What local learning is made of.
 *
 *   hebbian.c     the component, and a run from beginning to end
 *   settings.c    parameters, and what they say to each other
 *   layers.c      which layers of the network learn; their weights out of it and into it
 *   stream.c      examples as they come to a layer
 *   learn.c       what a batch of them does to its weights
 *   rules.c       the mathematics, without a host
 *   importance.c  which weights matter: measured, handed on, taken over
 *   mask.c        importance-mask: which weights matter most, for what is to leave them alone
 *   checkpoint.c  going on where a run that was killed has been
 *   report.c      what is told of it
 */
#ifndef HEBBIAN_H
#define HEBBIAN_H

#include <string.h>

#include <adze/sdk.h>

/* In the order of the parameter's choices, as all of these. */
typedef enum hebbian_rule {
  HEBBIAN_NONE,
  HEBBIAN_HEBB,
  HEBBIAN_OJA,
  HEBBIAN_SANGER,
  HEBBIAN_BCM,
  HEBBIAN_SOFT_WTA,
  HEBBIAN_REWARD
} hebbian_rule;

typedef enum hebbian_homeostasis {
  HEBBIAN_NO_HOMEOSTASIS,
  HEBBIAN_SCALING,
  HEBBIAN_EXCITABILITY
} hebbian_homeostasis;

typedef enum hebbian_centre {
  HEBBIAN_AS_IT_COMES,
  HEBBIAN_CENTRE_TO_LEARN,
  HEBBIAN_CENTRE_FOR_GOOD
} hebbian_centre;

typedef struct hebbian_settings {
  uint32_t rule, homeostasis, centre; /* of the enums above */
  uint64_t epochs;
  double rate;
  bool falls;        /* the rate, in a line, to 0 */
  bool own_pace;     /* a unit's rate is divided by the mean square of its responses */
  bool rectified;    /* responses below 0 are 0 */
  bool unit_length;  /* of examples */
  bool unlearn;      /* units that do not win */
  bool matches;      /* the reward is 1 where the unit that acts has the column's number */
  double temperature;
  double slide;      /* of BCM's threshold, and of what own paces are divided by */
  double trace;      /* what is left of it an example later */
  double baseline, baseline_rate;
  double target_rate, homeostasis_rate;
  double consolidation;
  double metaplasticity;
  bool measures;     /* importance */
  uint64_t save_steps, save_epochs;
} hebbian_settings;

/* Of float64, since small steps would get lost in what the file has. */
typedef struct hebbian_layer {
  char name[256];     /* of its weight */
  uint32_t node;
  uint32_t weight, bias, input; /* values; BIAS may be ADZE_NONE */
  bool turned;        /* the file has a column a unit */
  size_t units, inputs;
  double *w;          /* [units][inputs] */
  double *b;          /* [units]; zeros where there is no bias */
  double *important;  /* [units][inputs], their mean being 1; NULL: nothing was handed over and nothing is measured */
  /* Beside what it had. */
  bool learnt;        /* some weight is another number in the file */
  double moved;       /* length of the change of all weights, as a share of their length before */
  double length;      /* mean of the units' */
  double activity;    /* mean of the units', of the last examples; nan: it was not looked at */
} hebbian_layer;

/* What a layer knows while it learns: one block of float64, so that a checkpoint is a copy. */
typedef struct hebbian_state {
  double *all;
  size_t count;
  double *centre;     /* [inputs] */
  double *threshold;  /* [units]: sliding mean square of responses, of BCM and own paces */
  double *activity;   /* [units]; below 0: nothing was seen yet, as of the next */
  double *spread;     /* [units]: mean square of responses */
  double *handicap;   /* [units]: a bias while units compete, and no longer */
  double *baseline;   /* of rewards */
  double *trace;      /* [units][inputs]; NULL where nobody needs it, as the next two */
  double *drift, *speed;
} hebbian_state;

typedef struct hebbian_stream {
  adze_feed feed;
  adze_feed_runner runner;
  size_t reward;      /* column; SIZE_MAX: none */
  size_t output;      /* of the runner's graph: what goes into the layer */
  const adze_view *direct; /* or what goes into the network */
  size_t inputs;      /* numbers of an example */
  size_t rows;        /* examples in this batch, and how many there is room for */
  size_t room;
  double *x;          /* [rows][inputs] */
  double *rewards;    /* [rows] */
} hebbian_stream;

/* Room for what a batch needs on its way. */
typedef struct hebbian_scratch {
  double *u, *gain;   /* [units][rows] */
  double *chances;    /* the same, of units that compete; NULL: they do not */
  double *delta;      /* [units][inputs] */
  double *against;    /* [units][units], of Sanger's rule */
  uint32_t *winners;  /* [rows] */
  double *praise;     /* [rows] */
} hebbian_scratch;

typedef struct hebbian_run {
  const adze_host *host;
  adze_context *context;
  const adze_params *params;
  const adze_run_service *run;
  const adze_graph_service *graphs;
  adze_artifact *model, *data, *before; /* BEFORE: importance that was handed over; may be NULL */
  hebbian_settings set;

  adze_graph *graph;  /* as it is computed with; layers that have learnt are in it */
  hebbian_layer *layers;
  size_t layer_count;

  size_t at;          /* the layer that learns */
  uint64_t epoch, number; /* the next batch of it */
  hebbian_state state;
  hebbian_stream stream;
  hebbian_scratch scratch;

  /* checkpoint.c */
  uint64_t saves;
  double told;        /* when progress was last told */
} hebbian_run;

/* settings.c */
extern const adze_param hebbian_params[];
adze_status hebbian_read_settings (const adze_host *host, const adze_params *params, hebbian_settings *set);

/* layers.c */
adze_status hebbian_find_layers (hebbian_run *h);
void hebbian_drop_layers (hebbian_run *h);
/* What the layer has learnt, into GRAPH, which may be a copy of that at work. */
adze_status hebbian_set_layer (const hebbian_run *h, adze_graph *graph, const hebbian_layer *layer);
/* Its bias becomes one with which examples need no centre to be taken off. */
void hebbian_fold_centre (hebbian_layer *layer, const double *centre);
/* How far it has come from the weights in GRAPH. */
adze_status hebbian_compare_layer (const hebbian_run *h, const adze_graph *graph, hebbian_layer *layer);

/* stream.c */
adze_status hebbian_open_stream (hebbian_run *h);
/* Examples of a batch, as they are; placed: centred and brought to length 1 where that was asked for. */
adze_status hebbian_read_stream (hebbian_run *h, uint64_t epoch, uint64_t number, bool placed);
void hebbian_close_stream (hebbian_run *h);

/* learn.c */
adze_status hebbian_open_layer (hebbian_run *h);
adze_status hebbian_learn_batch (hebbian_run *h);
void hebbian_close_layer (hebbian_run *h);

/* importance.c */

/* What there is of one weight. */
typedef struct hebbian_entry {
  uint64_t count;
  size_t length;       /* of its name */
  const char *name;    /* without an end */
  const char *numbers; /* float32, anywhere */
} hebbian_entry;

static inline double
hebbian_importance_at (const hebbian_entry *e, uint64_t index)
{
  float number;
  memcpy (&number, e->numbers + index * sizeof number, sizeof number);
  return (double)number;
}

static inline bool
hebbian_entry_is_of (const hebbian_entry *e, const char *name)
{
  return strlen (name) == e->length && memcmp (name, e->name, e->length) == 0;
}

typedef adze_status (*hebbian_visit) (void *argument, const hebbian_entry *entry);
/* Of what is bound to a port 'importance': VISIT sees one weight after the other. */
adze_status hebbian_each_importance (const adze_host *host, const void *bytes, size_t size, hebbian_visit visit,
                                     void *argument);
adze_status hebbian_take_importance (hebbian_run *h);
adze_status hebbian_measure_importance (hebbian_run *h);
adze_status hebbian_give_importance (hebbian_run *h);

/* mask.c */
extern const adze_component hebbian_mask_component;

/* checkpoint.c */
adze_status hebbian_save (hebbian_run *h);
/* Of the layer that was learning then: *STATE is to be copied into its state once that is open; NULL: there is
 * nothing to go on from. */
adze_status hebbian_load (hebbian_run *h, double **state, size_t *count);

/* report.c */
adze_status hebbian_give_report (hebbian_run *h);

#endif
