/* SPDX-License-Identifier: Apache-2.0 */
/* graph/executable_private.h: what an executable is made of.
 *
 *   compile.c  from a graph to steps: constants computed, parts compiled
 *   claim.c    who computes which node
 *   place.c    where values lie
 *   device.c   values that cross between memory of the processor and of a device
 *   execute.c  steps carried out
 *   control.c  those with bodies: If, Loop, Scan
 *   bodies.c   the bodies, compiled
 */
#ifndef ADZE_GRAPH_EXECUTABLE_PRIVATE_H
#define ADZE_GRAPH_EXECUTABLE_PRIVATE_H

#include "graph/executable.h"
#include "graph/graph_private.h"
#include "graph/infer.h"

/* Where a value is while the graph is executed. */
typedef struct adze_slot {
  adze_view view;
  int64_t shape[ADZE_GRAPH_RANK];
  bool settled;    /* type and shape are known before */
  uint64_t size;   /* bytes of a settled one */
  uint64_t offset; /* in the block; UINT64_MAX: not there */
  bool moves;      /* an output whose place is brought */
  void *own;       /* memory of one that is not settled, or that was computed at compile time */
  uint64_t room;   /* bytes of OWN */
  adze_view far;   /* the same value in memory of the device */
} adze_slot;

/* A body, compiled for the sizes that it was last executed with. */
typedef struct adze_body {
  adze_graph *graph;
  adze_executable *executable;
  int64_t *sizes; /* rank and dimensions of each input, one after the other */
  size_t size_count;
} adze_body;

typedef struct adze_graph_step {
  const adze_graph_node *node; /* of several, the first */
  adze_backend_at_work *backend; /* NULL: a node with bodies */
  adze_program *program;
  adze_graph *part;
  uint32_t *inputs, *outputs; /* numbers of slots; an input may be ADZE_NONE where there is no part */
  size_t input_count, output_count;
  const adze_view **input_views;
  adze_view **output_views;
  bool settled; /* all outputs are */
  bool far;     /* its values are in memory of the device */
  uint32_t *sent, *fetched; /* slots that are copied to the device before it, and back after it */
  size_t sent_count, fetched_count;
  uint64_t scratch_size, scratch;
  adze_body bodies[2]; /* then_branch and else_branch, or the one of Loop and Scan */
} adze_graph_step;

/* Memory for values and scratch, of one executable or of several that take turns. */
typedef struct adze_graph_block {
  void *memory;
  uint64_t size;
  size_t users;
} adze_graph_block;

struct adze_executable {
  adze_graph *graph; /* its own */
  adze_compile_options options;
  adze_slot *slots; /* one a value */
  adze_graph_step *steps;
  size_t step_count, step_capacity;
  char *block; /* memory of SHARED */
  adze_graph_block *shared;
  bool borrows; /* it was there before this one */
  void *far_block, *far_scratch; /* of the device */
  adze_executable_facts facts;
};

/* compile.c: a node by itself on BACKEND, for values that are there. */
ADZE_MUST_CHECK adze_error *adze_graph_step_compile (adze_executable *x, adze_graph_step *step,
                                               const uint32_t *nodes, size_t count);
void adze_graph_step_cleanup (adze_graph_step *step);

/* claim.c: OWNER[n]: who does node n; PART[n]: which nodes of the backend go together; 0: none. */
ADZE_MUST_CHECK adze_error *adze_graph_claim (adze_executable *x, adze_backend_at_work **owner,
                                              uint32_t *part);
/* PARTS, which the caller frees: 0 where ref cannot do a node. Such a node stays; it is refused, or done
 * by the backend, when nodes are claimed. */
ADZE_MUST_CHECK adze_error *adze_graph_ask_ref (adze_executable *x, uint32_t **parts);
/* The error for a node that nobody does, or, with DELEGATION, nobody who may. */
adze_error *adze_graph_nobody_can (const adze_executable *x, const adze_graph_node *node,
                                   bool delegation);

/* Are all sizes of what goes in and comes out known? */
bool adze_node_has_sizes (const adze_graph *graph, const adze_graph_node *node);

/* place.c */
ADZE_MUST_CHECK adze_error *adze_executable_place (adze_executable *x);
void adze_executable_leave_block (adze_executable *x);

/* device.c: for backends with memory of their own; without one, each of these does nothing. */
bool adze_backend_is_far (const adze_backend_at_work *backend);
/* SLOT as it will be seen on the device. */
void adze_device_describe (const adze_executable *x, adze_slot *slot);
/* Which values cross, once there are steps. */
ADZE_MUST_CHECK adze_error *adze_device_connect (adze_executable *x);
/* SIZE bytes for values, and what scratch needs. */
ADZE_MUST_CHECK adze_error *adze_device_allocate (adze_executable *x, uint64_t size);
void adze_device_release (adze_executable *x);
ADZE_MUST_CHECK adze_error *adze_device_execute (adze_executable *x, adze_graph_step *step);

/* execute.c */
uint64_t adze_view_bytes (const adze_view *view); /* UINT64_MAX: more than there can be */
/* Memory of its own for a slot whose view is known. */
ADZE_MUST_CHECK adze_error *adze_slot_allocate (adze_slot *slot);
/* Sizes of the outputs from the inputs that are there, and memory for them. */
ADZE_MUST_CHECK adze_error *adze_graph_step_settle (adze_executable *x, adze_graph_step *step);
ADZE_MUST_CHECK adze_error *adze_graph_step_execute (adze_executable *x, adze_graph_step *step);
/* Makes SLOT a copy of VIEW. */
ADZE_MUST_CHECK adze_error *adze_slot_fill (adze_slot *slot, const adze_view *view);
/* "node 3 'x' (Conv): CAUSE" */
ADZE_MUST_CHECK adze_error *adze_graph_step_error (const adze_graph_step *step, adze_error *cause);
/* "its body 'turn': CAUSE" */
ADZE_MUST_CHECK adze_error *adze_graph_body_error (const adze_graph *body, adze_error *cause);

/* bodies.c */
bool adze_node_has_bodies (const adze_graph_node *node);
ADZE_MUST_CHECK adze_error *adze_bodies_open (const adze_executable *x, adze_graph_step *step);
/* A branch, for the sizes that flow in, if they are known. What is wrong with them is for whoever takes
 * it to hear: BODY's graph is refuted then. */
ADZE_MUST_CHECK adze_error *adze_body_compile_ahead (adze_executable *x, const adze_graph_step *step,
                                                     adze_body *body);
/* Compiles it where that is still to be done. */
ADZE_MUST_CHECK adze_error *adze_body_run (adze_executable *x, const adze_graph_step *step,
                                           adze_body *body, const adze_view *const *inputs,
                                           size_t input_count, const adze_view **outputs,
                                           size_t output_count);

/* control.c */
ADZE_MUST_CHECK adze_error *adze_control_execute (adze_executable *x, adze_graph_step *step);

#endif
