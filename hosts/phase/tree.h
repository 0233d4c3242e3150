/* SPDX-License-Identifier: Apache-2.0 */
/* phase/tree.h: folders by descriptors, step by step, following no link. */
#ifndef ADZE_PHASE_TREE_H
#define ADZE_PHASE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* close when it goes out of scope; -1: there is nothing to close. */
void phase_cleanup_close (int *fd);

#define PHASE_FD __attribute__ ((cleanup (phase_cleanup_close))) int

/* The folder NAME of PARENT (or a path, of AT_FDCWD), whose last part must be no link; -1 with errno. */
int phase_folder_at (int parent, const char *name);

/* Does NAME of PARENT ("": PARENT itself) lie in the mount that FOLDER lies in? False with errno: EXDEV if it does not,
 * ENOSYS if the system does not tell (Linux does since 5.8); then it counts as another. */
bool phase_same_mount (int folder, int parent, const char *name);

/* The folder that the file PATH, relative to ROOT, lies in; no part of the way may be a link or lie in another mount
 * than ROOT (errno is ELOOP, ENOTDIR, EXDEV, ENOSYS then). *BASE becomes the last part of PATH. -1 with errno. */
int phase_parent_at (int root, const char *path, const char **base);

/* The names in a folder but for . and .., sorted by bytes; false with errno. To be freed. */
bool phase_names_at (int folder, char ***names, size_t *count);
void phase_names_free (char **names, size_t count);

/* Removes NAME of PARENT and all below it, going into no other mount. False with errno; what is not there is
 * no failure. */
bool phase_remove_at (int parent, const char *name);

/* Syncs the folder, and so the names in it. */
bool phase_sync (int folder);

#endif
