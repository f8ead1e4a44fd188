/// Tests of the KVM engine alone; what it does as every engine does is tested by guest-tests.
package io.kahvem.kvm;
