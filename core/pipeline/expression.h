/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/expression.h: the one small language of `require`, of limits and of policies.
 *
 *   accuracy >= baseline.accuracy - 0.005 and not (size > 20 MB or latency > 3 ms)
 *
 * Numbers with units (B kB KB MB GB TB KiB MiB GiB TiB, ns us ms s min h, %), names NAME and ID.NAME (words
 * of letters, digits, "_" and "-", a "-" between spaces being minus), + - * / ( ), < <= == != >= >,
 * and, or, not, true, false. Comparing or adding a size and a time is an error. */
#ifndef ADZE_PIPELINE_EXPRESSION_H
#define ADZE_PIPELINE_EXPRESSION_H

#include "base/quantity.h"
#include "base/value.h"

typedef struct adze_expression adze_expression;

/* AT is the string in DOCUMENT that holds TEXT, so that a complaint points into it; both may be
 * NULL. */
ADZE_MUST_CHECK adze_error *adze_expression_parse (const char *text,
                                                   const adze_document *document,
                                                   const adze_value *at,
                                                   adze_expression **expression);
void adze_expression_free (adze_expression *expression);
const char *adze_expression_text (const adze_expression *expression);

/* Is what comes of it true or false, and all that is joined by and, or, not? Names stand for numbers,
 * so that one alone is not. */
bool adze_expression_is_condition (const adze_expression *expression);

/* Names it mentions, number by number: STAGE is NULL for one without an ID; CHARACTER (may be NULL)
 * is where it stands in the text, from 1. False beyond the last. */
bool adze_expression_name (const adze_expression *expression, size_t index, const char **stage,
                           const char **name, size_t *character);

/* LOOKUP answers false for a name that has no value: that makes the whole an error, as do infinite
 * values and such as are no number. */
typedef bool (*adze_expression_lookup) (void *context, const char *stage, const char *name,
                                        adze_reading *reading);
ADZE_MUST_CHECK adze_error *adze_expression_evaluate (const adze_expression *expression,
                                                      adze_expression_lookup lookup,
                                                      void *context, adze_reading *reading);

/* "accuracy = 0.8812, baseline.accuracy = 0.8922": what the names stood for, for messages. */
ADZE_MUST_CHECK adze_error *adze_expression_explain (const adze_expression *expression,
                                                     adze_expression_lookup lookup,
                                                     void *context, adze_buffer *into);

#endif
