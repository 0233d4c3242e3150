/* SPDX-License-Identifier: Apache-2.0 */
/* few_lanes.h: the inner loops of few_channels.c, which includes it once for each width of vectors: WIDTH
 * channels of the result at a time. NAMED (x) is x's name there, OF (x) an intrinsic's. */

/* The sums of VECTORS vectors of channels at four positions, so that each weight that is read serves all of
 * them. */
TARGET ALWAYS_INLINE static inline void
NAMED (add_up) (const few *f, const int32_t *table, const uint8_t *const seen[QUAD], size_t vectors,
                NAMED (ints) sums[QUAD][VECTORS])
{
  NAMED (ints) weights[VECTORS];
  for (size_t v = 0; v < vectors; v++) {
    memcpy (&weights[v], table + f->start_at + v * WIDTH, sizeof weights[v]);
    for (size_t p = 0; p < QUAD; p++)
      sums[p][v] = weights[v];
  }
  for (size_t n = 0; n < f->words; n++) {
    for (size_t v = 0; v < vectors; v++)
      memcpy (&weights[v], table + n * f->lanes + v * WIDTH, sizeof weights[v]);
    for (size_t p = 0; p < QUAD; p++) {
      int32_t word;
      memcpy (&word, seen[p] + f->word_at[n], sizeof word);
      for (size_t v = 0; v < vectors; v++)
        sums[p][v] = DOT (sums[p][v], OF (set1_epi32) (word), weights[v]);
    }
  }
}

/* What becomes of one vector of sums; THERE: how many of its channels are. */
TARGET ALWAYS_INLINE static inline void
NAMED (give) (const few *f, const int32_t *table, NAMED (ints) sums, size_t there, uint8_t *out)
{
  uint8_t some[WIDTH * WORD];
  uint8_t *to = there < WIDTH ? some : out;
  NAMED (floats) steps, summands, numbers = OF (cvtepi32_ps) (sums);
  memcpy (&steps, table + f->steps_at, sizeof steps);
  memcpy (&summands, table + f->summands_at, sizeof summands);
  numbers = OF (add_ps) (OF (mul_ps) (numbers, steps), summands);
  if (f->type == dnnl_s32)
    memcpy (to, &sums, sizeof sums);
  else if (f->type == dnnl_f32)
    OF (storeu_ps) ((float *)to, numbers);
  else {
    numbers = OF (min_ps) (OF (max_ps) (numbers, OF (set1_ps) (f->low)), OF (set1_ps) (f->high));
    NAMED (to_bytes) (to, OF (cvtps_epi32) (numbers));
  }
  if (there < WIDTH)
    memcpy (out, some, there * f->size);
}

/* A row of positions, each of which is asked for. */
TARGET ALWAYS_INLINE static inline void
NAMED (each) (const few *f, const int32_t *table, const uint8_t *lines, size_t lane, size_t vectors,
              uint8_t *out)
{
  NAMED (ints) sums[QUAD][VECTORS];
  const uint8_t *seen[QUAD];
  for (size_t x = 0; x < f->out_width; x += QUAD) {
    for (size_t p = 0; p < QUAD; p++)
      seen[p] = lines + (x + p < f->out_width ? x + p : x) * f->stride[1];
    NAMED (add_up) (f, table + lane, seen, vectors, sums);
    for (size_t p = 0; p < QUAD && x + p < f->out_width; p++)
      for (size_t v = 0; v < vectors; v++) {
        size_t at = lane + v * WIDTH;
        NAMED (give) (f, table + at, sums[p][v], f->channels - at,
                      out + ((x + p) * f->channels + at) * f->size);
      }
  }
}

/* A row of windows of positions, the greatest of each. */
TARGET ALWAYS_INLINE static inline void
NAMED (greatest) (const few *f, const int32_t *table, const uint8_t *lines, size_t lane,
                  size_t vectors, uint8_t *out)
{
  NAMED (ints) sums[QUAD][VECTORS], most[VECTORS];
  const uint8_t *seen[QUAD];
  for (size_t x = 0; x < f->out_width; x++) {
    for (size_t v = 0; v < VECTORS; v++)
      most[v] = OF (set1_epi32) (INT32_MIN);
    for (size_t first = 0; first < f->pooled_count; first += QUAD) {
      for (size_t p = 0; p < QUAD; p++)
        seen[p] = lines + x * f->pool[1] * f->stride[1] + f->pooled_at[first + p];
      NAMED (add_up) (f, table + lane, seen, vectors, sums);
      for (size_t v = 0; v < vectors; v++) {
        NAMED (ints) a = OF (max_epi32) (sums[0][v], sums[1][v]);
        a = OF (max_epi32) (a, OF (max_epi32) (sums[2][v], sums[3][v]));
        most[v] = OF (max_epi32) (most[v], a);
      }
    }
    for (size_t v = 0; v < vectors; v++) {
      size_t at = lane + v * WIDTH;
      NAMED (give) (f, table + at, most[v], f->channels - at,
                    out + (x * f->channels + at) * f->size);
    }
  }
}

TARGET static void
NAMED (do_row) (const few *f, const int32_t *table, const uint8_t *lines, uint8_t *out)
{
  bool pools = f->pooled_count > 1;
  for (size_t lane = 0; lane < f->channels; lane += VECTORS * WIDTH) {
    bool one = f->channels - lane <= WIDTH;
    if (pools && one)
      NAMED (greatest) (f, table, lines, lane, 1, out);
    else if (pools)
      NAMED (greatest) (f, table, lines, lane, VECTORS, out);
    else if (one)
      NAMED (each) (f, table, lines, lane, 1, out);
    else
      NAMED (each) (f, table, lines, lane, VECTORS, out);
  }
}
