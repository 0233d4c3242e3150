/* SPDX-License-Identifier: Apache-2.0 */
/* run/way.h: the way of one tensor through the stages of a plan, and that of a weight: for `adze why`. */
#ifndef ADZE_RUN_WAY_H
#define ADZE_RUN_WAY_H

#include "run/pass.h"

/* A tensor at one stage. */
typedef struct adze_way {
  size_t port;  /* that it came in by, of the stage's model ports; SIZE_MAX: it did not come */
  size_t taken; /* its number in that port's model */
  size_t given; /* its number in what the stage gives; SIZE_MAX: there it ends */
  size_t wanted; /* which GIVEN is asked for; SIZE_MAX: nobody asks for one */
} adze_way;

/* The tensor NAME, as an input of the plan has it, or as a stage gives it: then *FIRST and *ORIGIN are what it
 * was made of in the first place, and WAY, one a stage, says what is wanted. *FIRST is NULL where nobody has
 * it. */
void adze_way_find (const adze_plan *plan, const char *name, const adze_plan_model **first,
                    size_t *origin, adze_way *way);

/* Of tensor ORIGIN of FIRST, an input of the plan: WAY, in which all that is wanted stands, is filled in. */
void adze_way_follow (const adze_plan *plan, const adze_plan_model *first, size_t origin,
                      adze_way *way);

/* Is an element of what is wanted the one of the same number in what it was made of? */
bool adze_way_keeps_places (const adze_plan *plan, const adze_way *way);

/* Element ELEMENT of it before and after each stage: TRACE, one a stage and all zero, is filled in where
 * that can be told. The piece that it lies in goes through the stages once more. */
ADZE_MUST_CHECK adze_error *adze_way_trace (adze_plan *plan, const adze_plan_model *first,
                                            size_t origin, const adze_way *way, uint64_t element,
                                            adze_element_trace *trace);

#endif
