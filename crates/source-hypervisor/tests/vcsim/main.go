// A platform to ask: the simulator of VMware's own Go library, as Debian packages it
// (golang-github-vmware-govmomi-dev), with guests that have everything a move has to know.
//
// usage: vcsim vpx|esx MACHINES. It prints its address and the fingerprint of its certificate, and ends when its
// input ends.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"io/ioutil"
	"math/big"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	var model *simulator.Model
	machines, err := strconv.Atoi(os.Args[2])
	must(err)
	if os.Args[1] == "vpx" {
		model = simulator.VPX()
		model.Cluster, model.Machine = 1, machines/2
	} else {
		model = simulator.ESX()
		model.Machine = machines
	}
	must(model.Create())
	for number, entity := range simulator.Map.All("VirtualMachine") {
		tell(number, entity.(*simulator.VirtualMachine))
	}
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}}
	model.Service.Listen = &url.URL{
		Host: "127.0.0.1:0",
		User: url.UserPassword("reader@vsphere.local", "<s3cret> & \"of\" a 'test'"),
	}
	server := model.Service.NewServer()
	defer model.Remove()
	defer server.Close()
	photograph(server.URL)
	fmt.Printf("%s sha256:%x\n", server.URL.Host, sha256.Sum256(server.Certificate().Raw))
	_, err = io.Copy(ioutil.Discard, os.Stdin)
	must(err)
}

// One of its own: the library brings a key of 1024 bits, which nobody should take.
func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "vcsim"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
	}
	made, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	must(err)
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}
}

// Two snapshots of one guest, taken through the interface.
func photograph(at *url.URL) {
	ctx := context.Background()
	client, err := govmomi.NewClient(ctx, at, true)
	must(err)
	guest := simulator.Map.Any("VirtualMachine").(*simulator.VirtualMachine)
	machine := object.NewVirtualMachine(client.Client, guest.Self)
	for _, name := range []string{"before the patch", "after <the> patch & more"} {
		task, err := machine.CreateSnapshot(ctx, name, "", name == "before the patch", false)
		must(err)
		must(task.Wait(ctx))
	}
	must(client.Logout(ctx))
}

// What helpers inside tell of every guest, and settings of their own for a few.
func tell(number int, vm *simulator.VirtualMachine) {
	address := fmt.Sprintf("10.%d.%d.%d", number>>16, number>>8&255, number&255)
	vm.Guest.HostName = fmt.Sprintf("guest-%d.corp.example", number)
	vm.Guest.IpAddress = address
	vm.Guest.GuestFullName = "Debian GNU/Linux 12 (64-bit)"
	vm.Guest.ToolsRunningStatus = "guestToolsRunning"
	vm.Guest.ToolsVersionStatus2 = "guestToolsSupportedOld"
	vm.Guest.ToolsVersion = "12352"
	for _, device := range vm.Config.Hardware.Device {
		// As people leave it: there, and not connected.
		if drive, ok := device.(*types.VirtualCdrom); ok {
			drive.Connectable = &types.VirtualDeviceConnectInfo{AllowGuestControl: true}
		}
		if card, ok := device.(types.BaseVirtualEthernetCard); ok {
			card := card.GetVirtualEthernetCard()
			vm.Guest.Net = append(vm.Guest.Net, types.GuestNicInfo{
				MacAddress:     card.MacAddress,
				Connected:      true,
				DeviceConfigId: card.Key,
				IpConfig: &types.NetIpConfigInfo{IpAddress: []types.NetIpConfigInfoIpAddress{
					{IpAddress: address, PrefixLength: 8, State: "preferred"},
					{IpAddress: "fe80::250:56ff:fe00:1", PrefixLength: 64, State: "preferred"},
				}},
			})
		}
	}
	// The bridge of containers inside it is no card of its own.
	vm.Guest.Net = append(vm.Guest.Net, types.GuestNicInfo{
		MacAddress: "02:42:00:00:00:01", DeviceConfigId: -1, IpAddress: []string{"172.17.0.1"},
	})
	switch number {
	case 1:
		crowd(vm)
	case 2:
		vm.Config.Template = true
		vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOff
		vm.Summary.Config.Template = true
	case 3:
		vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOff
		vm.Guest = &types.GuestInfo{ToolsRunningStatus: "guestToolsNotRunning"}
		quiet(vm)
	}
}

func label(text string) types.BaseDescription {
	return &types.Description{Label: text, Summary: text}
}

func add(vm *simulator.VirtualMachine, device types.BaseVirtualDevice) {
	vm.Config.Hardware.Device = append(vm.Config.Hardware.Device, device)
}

func device(key int32, name string, controller int32, backing types.BaseVirtualDeviceBackingInfo) types.VirtualDevice {
	return types.VirtualDevice{
		Key: key, DeviceInfo: label(name), ControllerKey: controller, Backing: backing,
		Connectable: &types.VirtualDeviceConnectInfo{StartConnected: true, Connected: true},
	}
}

func truth(value bool) *bool { return &value }

func plugged(name string) types.VirtualDeviceDeviceBackingInfo {
	return types.VirtualDeviceDeviceBackingInfo{DeviceName: name}
}

// Everything that may stand in the way of a move.
func crowd(vm *simulator.VirtualMachine) {
	vm.Config.Firmware = "efi"
	vm.Config.BootOptions = &types.VirtualMachineBootOptions{EfiSecureBootEnabled: truth(true)}
	vm.Config.ChangeTrackingEnabled = truth(true)
	vm.Config.CpuAffinity = &types.VirtualMachineAffinityInfo{AffinitySet: []int32{2, 3}}
	vm.Config.MemoryAffinity = &types.VirtualMachineAffinityInfo{AffinitySet: []int32{1}}
	vm.Config.FtInfo = &types.FaultTolerancePrimaryConfigInfo{
		FaultToleranceConfigInfo: types.FaultToleranceConfigInfo{Role: 1, InstanceUuids: []string{"x"}, ConfigPaths: []string{"[a] b"}},
	}
	vm.Runtime.ConsolidationNeeded = truth(true)
	bus := &types.ParaVirtualSCSIController{}
	bus.Key, bus.DeviceInfo, bus.BusNumber = 1001, label("SCSI controller 1"), 1
	bus.SharedBus = types.VirtualSCSISharingPhysicalSharing
	add(vm, bus)
	empty := &types.VirtualLsiLogicSASController{}
	empty.Key, empty.DeviceInfo, empty.BusNumber = 1002, label("SCSI controller 2"), 2
	empty.SharedBus = types.VirtualSCSISharingPhysicalSharing
	add(vm, empty)
	express := &types.VirtualNVMEController{}
	express.Key, express.DeviceInfo = 31000, label("NVME controller 0")
	add(vm, express)
	add(vm, &types.VirtualDisk{
		VirtualDevice: device(2016, "Hard disk 2", 1001, &types.VirtualDiskRawDiskMappingVer1BackingInfo{
			VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[LocalDS_0] crowd/crowd_1.vmdk"},
			DeviceName:                   "vml.0200000000600508b4000156d700012000000b0000485356333030",
			CompatibilityMode:            "physicalMode", DiskMode: "independent_persistent", Sharing: "sharingNone",
		}),
		CapacityInKB: 1 << 20, CapacityInBytes: 1 << 30,
	})
	add(vm, &types.VirtualDisk{
		VirtualDevice: device(2032, "Hard disk 3", 31000, &types.VirtualDiskSeSparseBackingInfo{
			VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[LocalDS_0] crowd/crowd_2-000001.vmdk"},
			DiskMode:                     "persistent",
			Parent: &types.VirtualDiskSeSparseBackingInfo{
				VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[LocalDS_0] crowd/crowd_2.vmdk"},
				DiskMode:                     "persistent",
			},
		}),
		CapacityInKB: 2 << 20,
	})
	add(vm, &types.VirtualDisk{
		VirtualDevice: device(2033, "Hard disk 4", 31000, &types.VirtualDiskFlatVer2BackingInfo{
			VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[LocalDS_0] crowd/quorum.vmdk"},
			DiskMode:                     "independent_nonpersistent", Sharing: "sharingMultiWriter", ThinProvisioned: truth(true),
			KeyId: &types.CryptoKeyId{KeyId: "k"},
		}),
		CapacityInKB: 1 << 10,
	})
	add(vm, &types.VirtualPCIPassthrough{VirtualDevice: device(13000, "PCI device 0", 100, &types.VirtualPCIPassthroughDeviceBackingInfo{
		VirtualDeviceDeviceBackingInfo: plugged("Ethernet Controller"), Id: "0000:3b:00.0", DeviceId: "1563", SystemId: "x", VendorId: -32634,
	})})
	add(vm, &types.VirtualPCIPassthrough{VirtualDevice: device(13001, "PCI device 1", 100, &types.VirtualPCIPassthroughVmiopBackingInfo{Vgpu: "grid_p40-2q"})})
	card := &types.VirtualSriovEthernetCard{SriovBacking: &types.VirtualSriovEthernetCardSriovBackingInfo{
		PhysicalFunctionBacking: &types.VirtualPCIPassthroughDeviceBackingInfo{Id: "0000:5e:00.1", DeviceId: "0", SystemId: "x"},
	}}
	card.VirtualDevice = device(4010, "Network adapter 2", 100, &types.VirtualEthernetCardNetworkBackingInfo{
		VirtualDeviceDeviceBackingInfo: plugged("VM Network"),
	})
	card.MacAddress = "00:50:56:00:00:77"
	add(vm, card)
	add(vm, &types.VirtualTPM{VirtualDevice: device(11000, "Virtual TPM", 100, nil)})
	add(vm, &types.VirtualUSB{VirtualDevice: device(8000, "USB 1", 7000, &types.VirtualUSBUSBBackingInfo{VirtualDeviceDeviceBackingInfo: plugged("path:1/0/1 version:2")}), Connected: true})
	add(vm, &types.VirtualUSB{VirtualDevice: device(8001, "USB 2", 7000, &types.VirtualUSBRemoteClientBackingInfo{Hostname: "desk"}), Connected: true})
	add(vm, &types.VirtualSerialPort{VirtualDevice: device(9000, "Serial port 1", 400, &types.VirtualSerialPortDeviceBackingInfo{VirtualDeviceDeviceBackingInfo: plugged("/dev/char/serial/uart0")})})
	add(vm, &types.VirtualSerialPort{VirtualDevice: device(9001, "Serial port 2", 400, &types.VirtualSerialPortFileBackingInfo{})})
	add(vm, &types.VirtualParallelPort{VirtualDevice: device(10000, "Parallel port 1", 400, &types.VirtualParallelPortDeviceBackingInfo{VirtualDeviceDeviceBackingInfo: plugged("/dev/parport0")})})
	add(vm, &types.VirtualCdrom{VirtualDevice: device(3010, "CD/DVD drive 2", 200, &types.VirtualCdromIsoBackingInfo{
		VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[LocalDS_0] iso/tools.iso"},
	})})
	add(vm, &types.VirtualFloppy{VirtualDevice: device(8010, "Floppy drive 1", 400, &types.VirtualFloppyImageBackingInfo{
		VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[LocalDS_0] iso/driver.flp"},
	})})
}

// What looks like it and stands in nobody's way.
func quiet(vm *simulator.VirtualMachine) {
	vm.Config.CpuAffinity = &types.VirtualMachineAffinityInfo{}
	vm.Config.ChangeTrackingEnabled = truth(false)
	add(vm, &types.VirtualCdrom{VirtualDevice: device(3011, "CD/DVD drive 2", 200, &types.VirtualCdromRemotePassthroughBackingInfo{})})
	ejected := device(3012, "CD/DVD drive 3", 200, &types.VirtualCdromIsoBackingInfo{
		VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[LocalDS_0] iso/old.iso"},
	})
	ejected.Connectable = &types.VirtualDeviceConnectInfo{}
	add(vm, &types.VirtualCdrom{VirtualDevice: ejected})
	add(vm, &types.VirtualUSB{VirtualDevice: device(8002, "USB 1", 7000, &types.VirtualUSBRemoteClientBackingInfo{Hostname: "desk"})})
}
