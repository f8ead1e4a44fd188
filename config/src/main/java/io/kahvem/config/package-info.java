/// (under construction)
package io.kahvem.config;
