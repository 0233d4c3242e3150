/* SPDX-License-Identifier: Apache-2.0 */
/* declare.h: a space of networks: the layers of build-model, with alternatives in braces.
 *
 *   "conv {8|16|32} {3x3|5x5} pad same relu"    two genes
 *   "{|dense {32|64} relu}"                     a layer that may not be there, and how wide it is
 *   "{skip=|residual open}" ... "{skip=|residual close}"    one gene, by its name, at two places
 *
 * A line that comes out empty is no layer, and ';' begins another one. */
#ifndef NAS_EVOLVE_DECLARE_H
#define NAS_EVOLVE_DECLARE_H

#include <adze/sdk.h>

#include "genome.h"
#include "layers.h"

/* Braces in all, and layers of a network. */
enum { NAS_BRACES = 256, NAS_LAYERS = 256 };

typedef struct nas_brace {
  size_t open, body, close; /* places in the text: '{', behind "{NAME=", '}' */
  uint32_t gene, line;
  uint32_t outer, alternative; /* it is inside this one, in this alternative; NAS_BRACES: inside none */
} nas_brace;

/* Begins as zeros. */
typedef struct nas_declared {
  const adze_host *host;
  adze_bytes text; /* all lines, each behind a newline */
  nas_brace braces[NAS_BRACES];
  uint32_t brace_count;
  uint32_t genes;
  uint32_t choices[NAS_GENES];
  uint32_t named[NAS_GENES]; /* the brace that brought it */
  build_initial initial;
  const char *shape; /* of the input */
} nas_declared;

/* A network that the genes choose. */
typedef struct nas_network {
  build_plan plan;
  build_layer layers[NAS_LAYERS];
  char words[NAS_LAYERS * BUILD_TEXT]; /* of its layers, each ended by a NUL */
} nas_network;

/* What is wrong is told with the line, and every alternative must be a layer's words. Closed also after a failure. */
adze_status nas_declare (const adze_host *host, const adze_params *layers, const char *shape, build_initial initial,
                         nas_declared *declared);
void nas_declared_close (nas_declared *declared);

/* Fails, with HOST's reason, where words are no layers, or layers do not fit together. Genes that chose nothing
 * become 0. */
adze_status nas_declared_network (const adze_host *host, const nas_declared *declared, uint8_t genes[NAS_GENES],
                                  nas_network *network);

/* As .settle of a space has it; ARGUMENT is a nas_declared. */
bool nas_declared_settle (const void *argument, uint8_t genes[NAS_GENES]);

/* The layers, as a list: LEFT and RIGHT around each, and BETWEEN them. */
adze_status nas_declared_words (const adze_host *host, const nas_declared *declared,
                                const uint8_t genes[NAS_GENES], const char *left, const char *right,
                                const char *between, adze_bytes *into);

#endif
