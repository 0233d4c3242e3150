/* SPDX-License-Identifier: Apache-2.0 */
/* greatest_lanes.h: the inner loops of greatest.c, which includes it once for each width of vectors: WIDTH
 * channels at a time, and NAMED (x) is x's name there. The channels that are left are done one by one. */

typedef float NAMED (floats) __attribute__ ((vector_size (WIDTH * sizeof (float))));
typedef int32_t NAMED (ints) __attribute__ ((vector_size (WIDTH * sizeof (int32_t))));
typedef int16_t NAMED (shorts) __attribute__ ((vector_size (WIDTH * sizeof (int16_t))));

/* THERE: how many of the channels positions have. */
static inline void
NAMED (find) (const sight *s, const float *images, float *position, int64_t lane, int16_t *note,
              int64_t there)
{
  NAMED (floats) most = (NAMED (floats)){ 0 } - INFINITY, x;
  NAMED (ints) which = (NAMED (ints)){ 0 } - 1;
  for (int e = 0; e < s->count; e++) {
    memcpy (&x, images + s->at[e], sizeof x);
    NAMED (ints) more = x > most;
    if (e == 0)
      more = (NAMED (ints)){ 0 } - 1;
    most = (NAMED (floats))(((NAMED (ints))x & more) | ((NAMED (ints))most & ~more));
    which = (((NAMED (ints)){ 0 } + s->number[e]) & more) | (which & ~more);
  }
  NAMED (shorts) kept = __builtin_convertvector (which | (~(most > 0) & STOPPED), NAMED (shorts));
  memcpy (note, &kept, sizeof kept);
  if (lane == 1 && there >= WIDTH)
    memcpy (position, &most, sizeof most);
  else
    for (int64_t l = 0; l < WIDTH && l < there; l++)
      position[l * lane] = most[l];
}

static inline void
NAMED (hand_out) (const sight *s, float *images, const float *position, int64_t lane,
                  const int16_t *note, int64_t there, bool covers, int32_t passes)
{
  NAMED (floats) share = { 0 }, made;
  NAMED (shorts) kept;
  memcpy (&kept, note, sizeof kept);
  NAMED (ints) which = __builtin_convertvector (kept, NAMED (ints)) & passes;
  if (lane == 1 && there >= WIDTH)
    memcpy (&share, position, sizeof share);
  else {
    float gathered[WIDTH] = { 0 };
    for (int64_t l = 0; l < WIDTH && l < there; l++)
      gathered[l] = position[l * lane];
    memcpy (&share, gathered, sizeof share);
  }
  for (int e = 0; e < s->count; e++) {
    NAMED (floats) here = (NAMED (floats))((NAMED (ints))share & (which == s->number[e]));
    if (!covers) {
      memcpy (&made, images + s->at[e], sizeof made);
      here += made;
    }
    memcpy (images + s->at[e], &here, sizeof here);
  }
}

static void
NAMED (forward) (const greatest *g, const sight *s, float *images, float *position, int16_t *note,
                 int64_t there)
{
  int64_t l = 0, lane = g->positions.lane;
  for (; g->lanes - l >= WIDTH; l += WIDTH)
    NAMED (find) (s, images + l, position + l * lane, lane, note + l, there - l);
  for (; l < g->lanes; l++)
    find_one (s, images + l, position + l * lane, note + l);
}

static void
NAMED (backward) (const greatest *g, const sight *s, float *images, float *position, int16_t *note,
                  int64_t there)
{
  int64_t l = 0, lane = g->positions.lane;
  int32_t passes = g->relu ? ~0 : ~STOPPED;
  for (; g->lanes - l >= WIDTH; l += WIDTH)
    NAMED (hand_out) (s, images + l, position + l * lane, lane, note + l, there - l, g->covers,
                      passes);
  for (; l < g->lanes; l++)
    hand_out_one (s, images + l, position + l * lane, note + l, g->covers, passes);
}
