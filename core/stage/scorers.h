/* SPDX-License-Identifier: Apache-2.0 */
/* stage/scorers.h: the scorers that a technique at work uses; they lie with its codecs. */
#ifndef ADZE_STAGE_SCORERS_H
#define ADZE_STAGE_SCORERS_H

#include <adze/draft/scorer.h>

/* Closes all of them. */
void adze_scorers_close (adze_scorer_use *uses);

#endif
