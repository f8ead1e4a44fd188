/// (under construction)
package io.kahvem.vmm;
