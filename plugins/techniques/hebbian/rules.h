/* SPDX-License-Identifier: Apache-2.0 */
/* The mathematics of local learning, without a host: one function a rule.
 *
 * Examples are rows X of N numbers; a unit has weights W, a bias, and of ROWS examples the responses U. What a
 * rule wants of a unit is said by a gain for each example and by what is taken off the weights:
 *
 *   delta = mean over examples of gain * x  -  decay * w
 *
 * All sums are of float64 in one order, so that the same numbers come out for any number of threads.
 */
#ifndef HEBBIAN_RULES_H
#define HEBBIAN_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- What all rules are made of. */

/* U[r] = W times X[r], plus BIAS. */
void rules_respond (const double *w, double bias, const double *x, size_t rows, size_t n, double *u);
/* Responses below 0 become 0. */
void rules_rectify (double *u, size_t rows);
/* The mean of GAIN[r] X[r]. */
void rules_gather (const double *gain, const double *x, size_t rows, size_t n, double *delta);
/* DELTA -= FACTOR * W. */
void rules_take (double factor, const double *w, size_t n, double *delta);
/* X -= MEAN; and with UNIT it is brought to length 1, unless it is all zeros. */
void rules_place (const double *mean, bool unit, size_t n, double *x);
/* SUM += X, number by number. */
void rules_add (const double *x, size_t n, double *sum);
double rules_length (const double *w, size_t n);

/* ---- The rules, of one unit. Each fills GAIN, and returns the decay. */

double rules_hebb (const double *u, size_t rows, double *gain);
double rules_oja (const double *u, size_t rows, double *gain);
/* THRESHOLD is the sliding one. */
double rules_bcm (const double *u, size_t rows, double threshold, double *gain);
/* ALL has the responses of all units, ROWS apart: AGAINST[j] becomes how much of unit J's weights is taken off
 * those of UNIT, for J up to UNIT. */
void rules_sanger (const double *all, size_t unit, size_t rows, double *gain, double *against);
/* CHANCES of the unit in each example, WINNERS of each. UNLEARN: who does not win moves away from it. */
double rules_soft_wta (const double *u, const double *chances, const uint32_t *winners, uint32_t unit, bool unlearn,
                       size_t rows, double *gain);

/* ---- Units that compete in one example; theirs are STRIDE apart. */

/* Of one alone it is a logistic function, what it competes with being 0. */
void rules_chances (const double *u, size_t stride, size_t units, double temperature, double *chances);
uint32_t rules_winner (const double *u, size_t stride, size_t units);
/* UNIFORM is in [0, 1). Of one unit alone: 0, it acts; 1, it does not. */
uint32_t rules_draw (const double *chances, size_t stride, size_t units, double uniform);

/* ---- Rewards: three factors. */

/* How much likelier the weights' step along x makes what was DRAWN. */
double rules_eligible (double chance, bool drawn, double temperature);
/* TRACE = DECAY TRACE + ELIGIBLE X; and DELTA += PRAISE TRACE. PRAISE is reward less baseline. */
void rules_reward (double decay, double eligible, double praise, const double *x, size_t n, double *trace,
                   double *delta);

/* ---- Homeostasis. */

/* MEAN moves by the share RATE towards SEEN; what is negative has not begun. */
double rules_slide (double mean, double seen, double rate);
double rules_mean_square (const double *u, size_t rows);
/* Mean of what is above 0, and the share of examples in which it is. */
double rules_activity (const double *u, size_t rows);
double rules_share (const double *u, size_t rows);
/* By what all weights of a unit are multiplied so that its ACTIVITY moves towards TARGET. */
double rules_scaling (double activity, double target, double rate);
/* What is added to its bias instead, in units of how far its responses spread. */
double rules_shift (double activity, double target, double rate);
void rules_scale (double factor, size_t n, double *w);

/* ---- How fast each weight changes. */

/* SPEED grows by the share RATE where DELTA goes on as it went (DRIFT), and shrinks where it turns. */
void rules_adapt (const double *delta, double rate, size_t n, double *drift, double *speed);
/* W += RATE DELTA, each by its SPEED (NULL: 1), and the less the higher STRENGTH times its IMPORTANCE (NULL: 0). */
void rules_apply (const double *delta, double rate, const double *speed, double strength, const double *importance,
                  size_t n, double *w);

#endif
