/* SPDX-License-Identifier: Apache-2.0 */
/* stage/codecs.h: the codecs that a technique at work uses: what adze.codecs/1 of the SDK works on. */
#ifndef ADZE_STAGE_CODECS_H
#define ADZE_STAGE_CODECS_H

#include <adze/draft/scorer.h>

#include "artifact/codec.h"

typedef struct adze_codecs adze_codecs;

ADZE_MUST_CHECK adze_error *adze_codecs_open (adze_runtime *runtime, adze_codecs **codecs);
void adze_codecs_close (adze_codecs *codecs);
/* The ids of those that were opened by their id, as a list to be freed. */
ADZE_MUST_CHECK adze_error *adze_codecs_chosen (const adze_codecs *codecs, adze_value **ids);

/* The scorers that the same instance uses lie with its codecs (scorers.c); and whose both are. */
adze_scorer_use **adze_codecs_scorers (adze_codecs *codecs);
adze_runtime *adze_codecs_runtime (const adze_codecs *codecs);

#endif
