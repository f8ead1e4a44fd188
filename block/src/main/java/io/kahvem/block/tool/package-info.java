/// What is done with whole images: copy, compare, measure, commit, rebase.
/// Called by `kahvem image` and by jobs, on a thread that may block.
package io.kahvem.block.tool;
